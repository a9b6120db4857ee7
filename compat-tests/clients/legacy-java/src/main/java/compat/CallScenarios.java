package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;

import com.github.signalr4j.client.SignalRFuture;
import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Calls, and state. */
final class CallScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.ofEntries(
        Map.entry("call-echo", CallScenarios::echo),
        Map.entry("call-types", CallScenarios::types),
        Map.entry("call-object", CallScenarios::object),
        Map.entry("call-void", scene -> equal(null, scene.connect().call("Void"), "the result")),
        Map.entry("call-null", CallScenarios::nothing),
        Map.entry("call-texts", CallScenarios::texts),
        Map.entry("call-large-result", CallScenarios::largeResult),
        Map.entry("call-large-argument", CallScenarios::largeArgument),
        Map.entry("call-in-a-row", CallScenarios::inARow),
        Map.entry("call-at-once", CallScenarios::atOnce),
        Map.entry("call-slow-beside-quick", CallScenarios::slowBesideQuick),
        Map.entry("call-any-case", CallScenarios::anyCase),
        Map.entry("call-renamed", scene -> equal("renamed", scene.connect().text("renamedMethod"), "the result")),
        Map.entry("call-overload", CallScenarios::overload),
        Map.entry("state-round-trip", CallScenarios::stateRoundTrip),
        Map.entry("state-pushed", CallScenarios::statePushed));

    private static final int LARGE_RESULT = 200_000;
    // A WebSocket of the original takes messages of up to 64 KiB.
    private static final int SOCKET_ARGUMENT = 60_000;
    private static final int POSTED_ARGUMENT = 100_000;
    private static final int SLOW_MS = 3000;
    private static final Gson GSON = new Gson();

    private CallScenarios() { }

    private static void echo(Scene scene) throws Exception {
        var peer = scene.connect();
        equal("hello", peer.text("Echo", "hello"), "the result");
        equal(5, peer.number("Add", 2, 3), "the result");
        equal(-1, peer.number("Add", 2_147_483_647, -2_147_483_648), "the result");
        equal(4, peer.number("Length", "four"), "the result");
    }

    private static void types(Scene scene) throws Exception {
        var peer = scene.connect();
        var got = peer.call("Types", true, -7, 9_007_199_254_740_991L, 1.5, "text", List.of(1, 2, 3)).getAsJsonObject();
        var seen = List.of(got.get("B").getAsBoolean(), got.get("I").getAsInt(), got.get("L").getAsLong(), got.get("D").getAsDouble(), got.get("S").getAsString(),
            got.get("List").toString(), got.get("Sum").getAsInt());
        equal(List.of(true, -7, 9_007_199_254_740_991L, 1.5, "text", "[1,2,3]", 6), seen, "the result");
    }

    private static void object(Scene scene) throws Exception {
        var peer = scene.connect();
        var ann = GSON.fromJson("{'Name':'Ann \\\"é\\\"','Age':7,'Tags':['a','b',''],'Born':'2001-02-03T04:05:06Z','Friend':{'Name':'Bob','Age':0,'Tags':[],'Born':null,'Friend':null}}",
            JsonObject.class);
        equal(fields(ann), fields(peer.call("EchoPerson", ann)), "the object");
        equal(null, fields(peer.call("EchoPerson", (Object) null)), "no object");
    }

    private static List<Object> fields(JsonElement person) {
        if (person == null || person.isJsonNull()) return null;
        var all = new ArrayList<>();
        var object = person.getAsJsonObject();
        for (var name : List.of("Name", "Age", "Tags")) all.add(object.get(name));
        var born = object.get("Born");
        all.add(born == null || born.isJsonNull() ? null : instant(born.getAsString()));
        all.add(fields(object.get("Friend")));
        return all;
    }

    private static Instant instant(String text) {
        return OffsetDateTime.parse(text).toInstant();
    }

    private static void nothing(Scene scene) throws Exception {
        var peer = scene.connect();
        equal(null, peer.text("Null"), "the result");
        equal(null, peer.text("Echo", (Object) null), "the result");
    }

    private static void texts(Scene scene) throws Exception {
        var peer = scene.connect();
        for (var text : Texts.ODD) {
            equal(text, peer.text("Echo", text), "the text");
            equal(text.length(), peer.number("Length", text), "the length seen by the hub");
        }
    }

    private static void largeResult(Scene scene) throws Exception {
        var peer = scene.connect();
        equal("x".repeat(LARGE_RESULT), peer.text("Large", LARGE_RESULT), "the result");
        equal("after", peer.text("Echo", "after"), "the next result");
    }

    private static void largeArgument(Scene scene) throws Exception {
        var peer = scene.connect();
        var length = peer.usedTransport().equals("webSockets") ? SOCKET_ARGUMENT : POSTED_ARGUMENT;
        equal(length, peer.number("Length", "y".repeat(length)), "the length seen by the hub");
        var mixed = "é漢😀".repeat(5_000);
        equal(mixed, peer.text("Echo", mixed), "a mixed text");
    }

    private static void inARow(Scene scene) throws Exception {
        var peer = scene.connect();
        for (var i = 0; i < 200; i++) equal(i + 1, peer.number("Add", i, 1), "the result of call " + i);
    }

    private static void atOnce(Scene scene) throws Exception {
        var peer = scene.connect();
        var calls = new ArrayList<SignalRFuture<JsonElement>>();
        for (var i = 0; i < 100; i++) calls.add(peer.beginCall("Add", i, 1));
        for (var i = 0; i < 100; i++) equal(i + 1, Peer.result(calls.get(i), "Add").getAsInt(), "the result of call " + i);
    }

    private static void slowBesideQuick(Scene scene) throws Exception {
        var peer = scene.connect();
        var slow = peer.beginCall("Slow", SLOW_MS);
        for (var i = 0; i < 5; i++) equal("quick " + i, peer.text("Echo", "quick " + i), "the result");
        isTrue(!slow.isDone(), "the slow call held up the quick ones");
        equal(SLOW_MS, Peer.result(slow, "Slow").getAsInt(), "the result of the slow call");
    }

    private static void anyCase(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.hubs("CONFORMance"));
        equal("a", peer.text("eCHO", "a"), "the result");
        equal(3, peer.number("ADD", 1, 2), "the result");
        var text = scene.name("text");
        peer.call("callback", text);
        equal(text, peer.next(), "the message");
    }

    private static void overload(Scene scene) throws Exception {
        var peer = scene.connect();
        equal("none", peer.text("Overload"), "the result");
        equal("int 3", peer.text("Overload", 3), "the result");
    }

    private static void stateRoundTrip(Scene scene) throws Exception {
        var peer = scene.connect();
        var hub = peer.proxy("conformance");
        hub.setState("counter", new JsonPrimitive(5));
        equal(6, peer.number("NextCount"), "the result");
        equal(6, hub.getValue("counter", Integer.class), "the client's state");
        equal(7, peer.number("NextCount"), "the result");
        equal("7", peer.text("ReadCounter"), "the result");
    }

    private static void statePushed(Scene scene) throws Exception {
        var peer = scene.connect();
        var text = scene.name("text");
        peer.call("PushState", text);
        equal(text, peer.next(), "the message");
        equal(text, peer.proxy("conformance").getValue("pushed", String.class), "the client's state");
    }
}
