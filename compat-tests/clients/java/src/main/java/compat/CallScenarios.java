package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;
import static compat.Check.refused;

import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.core.Single;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Beginnings, calls, errors and sizes. */
final class CallScenarios {
    static final List<Scenario> ALL = List.of(
        Scenario.of("connect-and-stop", CallScenarios::connectAndStop),
        Scenario.of("connect-start-again", CallScenarios::connectStartAgain),
        Scenario.of("connect-id-visible", CallScenarios::connectIdVisible),
        Scenario.of("connect-picks-transport", CallScenarios::connectPicksTransport),
        Scenario.of("connect-two-hubs", CallScenarios::connectTwoHubs),
        Scenario.of("connect-hub-throws", scene -> connectEnds(scene, "onconnect=throw")),
        Scenario.of("connect-hub-aborts", scene -> connectEnds(scene, "onconnect=abort")),
        Scenario.of("negotiate-skipped", CallScenarios::negotiateSkipped),
        Scenario.of("invoke-result", CallScenarios::invokeResult),
        Scenario.of("invoke-void", scene -> scene.connect().run("Nothing")),
        Scenario.of("invoke-null", CallScenarios::invokeNull),
        Scenario.of("invoke-object", CallScenarios::invokeObject),
        Scenario.of("invoke-bytes", CallScenarios::invokeBytes),
        Scenario.of("invoke-any", CallScenarios::invokeAny),
        Scenario.of("invoke-texts", CallScenarios::invokeTexts),
        Scenario.of("invoke-name-ignores-case", scene -> equal(7, scene.connect().call(Integer.class, "aDD", 3, 4), "the sum")),
        Scenario.of("invoke-parallel", CallScenarios::invokeParallel),
        Scenario.of("invoke-slow-beside-quick", CallScenarios::invokeSlowBesideQuick),
        Scenario.of("error-exception", CallScenarios::errorException),
        Scenario.of("error-hub-exception", CallScenarios::errorHubException),
        Scenario.of("error-unknown-method", CallScenarios::errorUnknownMethod),
        Scenario.of("error-argument-count", CallScenarios::errorArgumentCount),
        Scenario.of("error-argument-type", CallScenarios::errorArgumentType),
        Scenario.of("error-stream-and-call-mixed-up", CallScenarios::errorMixedUp),
        Scenario.of("error-of-send-is-silent", CallScenarios::errorOfSendIsSilent),
        Scenario.of("size-text-edges", 30, CallScenarios::sizeTextEdges),
        Scenario.of("size-megabyte", 30, CallScenarios::sizeMegabyte),
        Scenario.of("size-over-limit", 30, CallScenarios::sizeOverLimit));

    private CallScenarios() { }

    private static final class Sample {
        String string;
        int[] intArray;
        String byteArray;
        String guid = "8f14e45f-ceea-467f-a0e6-1f0c7b8e2d31";
        String dateTime = "2001-02-03T04:05:06Z";
        Sample inner;

        @Override
        public String toString() {
            return String.join("|", String.valueOf(string), Arrays.toString(intArray), String.valueOf(byteArray), guid, dateTime, String.valueOf(inner));
        }
    }

    private static void connectAndStop(Scene scene) throws Exception {
        var peer = scene.connect();
        equal("hello", peer.text("Echo", "hello"), "the answer");
        peer.stop();
        equal("", peer.closed(), "the error of the close");
        equal(1, peer.closings.get(), "the number of reported closes");
    }

    private static void connectStartAgain(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.stop();
        peer.closed();
        peer.start();
        isTrue(!peer.text("GetCallerConnectionId").equals(peer.id), "the second start has the first one's id");
    }

    private static void connectIdVisible(Scene scene) {
        var peer = scene.connect();
        equal(peer.id, peer.hub.getConnectionId(), "the id the client shows");
    }

    private static void connectPicksTransport(Scene scene) {
        var peer = scene.connect(new Scene.Wish("testhub", "", null, Map.of(), null, TransportEnum.ALL, false));
        equal("here", peer.text("Echo", "here"), "the answer");
    }

    private static void connectTwoHubs(Scene scene) throws Exception {
        var test = scene.several(2);
        var bench = scene.connect(Scene.Wish.hub("bench", "", null));
        scene.reaches(test, test, "All of one hub", text -> test.get(0).run("ToAll", text));
        var mine = scene.name("mine");
        bench.run("Broadcast", mine);
        equal(mine, bench.next(), "the other hub's first message");
        equal("here", bench.text("Echo", "here"), "the answer");
        for (var peer : test) isTrue(peer.texts.isEmpty(), "a hub's message reached another hub's client");
    }

    private static void connectEnds(Scene scene, String query) throws Exception {
        var peer = scene.make(Scene.Wish.query(query));
        try {
            peer.start();
        } catch (Check.Failed error) {
            throw error;
        } catch (RuntimeException error) {
            return;
        }
        peer.closed();
    }

    private static void negotiateSkipped(Scene scene) {
        if (scene.transport != TransportEnum.WEBSOCKETS) throw new Check.Skipped("only for WebSockets");
        if (!scene.app.serves) throw new Check.Skipped("the app does not serve the hub itself");
        var peer = scene.connect(new Scene.Wish("testhub", "", null, Map.of(), null, null, true));
        equal("here", peer.text("Echo", "here"), "the answer");
    }

    private static void invokeResult(Scene scene) {
        var peer = scene.connect();
        equal("häll😀", peer.text("Echo", "häll😀"), "Echo");
        equal(5, peer.call(Integer.class, "Add", 7, -2), "Add");
        equal(7, peer.call(Integer.class, "Length", "äöü 漢字!"), "Length");
    }

    private static void invokeNull(Scene scene) {
        var peer = scene.connect();
        equal(null, peer.text("Null"), "Null");
        equal(null, peer.text("Echo", (Object) null), "Echo");
    }

    private static void invokeObject(Scene scene) {
        var sample = new Sample();
        sample.string = "té😀xt";
        sample.intArray = new int[] {1, -2, Integer.MAX_VALUE};
        sample.byteArray = Base64.getEncoder().encodeToString(new byte[] {9, 0, -1});
        sample.inner = new Sample();
        equal(sample.toString(), scene.connect().call(Sample.class, "EchoComplexObject", sample).toString(), "the object");
    }

    private static void invokeBytes(Scene scene) {
        var peer = scene.connect();
        for (var size : new int[] {0, 1, 256, 100_000}) {
            var bytes = new byte[size];
            for (var i = 0; i < size; i++) bytes[i] = (byte) (i * 31);
            // The client writes byte arrays as lists of numbers, which is not what hubs read.
            var text = Base64.getEncoder().encodeToString(bytes);
            equal(text, peer.text("EchoBytes", text), size + " bytes");
        }
    }

    private static void invokeAny(Scene scene) {
        var peer = scene.connect();
        var values = List.of(true, false, 0.0, -1.0, 65_536.0, 9_007_199_254_740_992.0, 1.5, -0.1, 1e300, "", "x", List.of(), List.of(1.0, -1.0, 70_000.0),
            Arrays.asList("a", null, ""), List.of(List.of(), List.of(1.0), List.of(2.0, 3.0)), Map.of("one", 1.0, "zwei 😀", 2.0, "", 3.0), Map.of("a", Map.of("b", List.of("c"))));
        for (var value : values) equal(value, peer.call(Object.class, "EchoAny", value), "the value");
    }

    private static void invokeTexts(Scene scene) {
        var peer = scene.connect();
        for (var text : List.of("", " ", "plain", "äöü ß é", "漢字かな", "😀👩‍👩‍👧", "\"quoted\" \\ / <b>&amp;", "tab\t cr\r lf\n crlf\r\n", "\0\001\177", "\u2028\u2029\ufeff",
            "{}\036{\"type\":6}\036", "data: a\r\n\r\ndata: b\r\n\r\n: c", "null", "\036".repeat(300))) {
            equal(text, peer.text("Echo", text), "the text");
        }
    }

    private static void invokeParallel(Scene scene) {
        var peer = scene.connect();
        var sums = new ArrayList<Single<Integer>>();
        for (var i = 0; i < 300; i++) sums.add(peer.hub.invoke(Integer.class, "Add", i, i * 1000));
        for (var i = 0; i < 300; i++) equal(i * 1001, sums.get(i).timeout(App.STEP, TimeUnit.SECONDS).blockingGet(), "sum " + i);
    }

    private static void invokeSlowBesideQuick(Scene scene) {
        var peer = scene.connect();
        var slow = peer.hub.invoke(String.class, "Slow", 2500).cache();
        var early = slow.test();
        equal("quick", peer.text("Echo", "quick"), "the quick call");
        early.assertNotComplete();
        equal("done", slow.timeout(App.STEP, TimeUnit.SECONDS).blockingGet(), "the slow call");
    }

    private static void errorException(Scene scene) throws Exception {
        var peer = scene.connect();
        refused(scene.app.detailed("An unexpected error occurred invoking 'ThrowException' on the server.", "InvalidOperationException: böse"), () -> peer.run("ThrowException", "böse"));
        equal("alive", peer.text("Echo", "alive"), "the answer");
    }

    private static void errorHubException(Scene scene) throws Exception {
        var peer = scene.connect();
        for (var text : List.of("told to the client", "\"zwei\"\n😀")) {
            refused("An unexpected error occurred invoking 'ThrowHubException' on the server. HubException: " + text, () -> peer.call(Integer.class, "ThrowHubException", text));
        }
    }

    private static void errorUnknownMethod(Scene scene) throws Exception {
        var peer = scene.connect();
        var text = "Failed to invoke 'NotThere' due to an error on the server. HubException: Method does not exist.";
        refused(text, () -> peer.run("NotThere"));
        refused(text, () -> peer.text("NotThere", 1, "two"));
        refused(text, () -> peer.stream(String.class, "NotThere"));
    }

    private static void errorArgumentCount(Scene scene) throws Exception {
        var peer = scene.connect();
        var text = "Failed to invoke 'Add' due to an error on the server.";
        refused(scene.app.detailed(text, "InvalidDataException: Invocation provides 1 argument(s) but target expects 2."), () -> peer.call(Integer.class, "Add", 1));
        refused(scene.app.detailed(text, "InvalidDataException: Invocation provides 3 argument(s) but target expects 2."), () -> peer.call(Integer.class, "Add", 1, 2, 3));
    }

    private static void errorArgumentType(Scene scene) throws Exception {
        var peer = scene.connect();
        var detail = "InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.";
        refused(scene.app.detailed("Failed to invoke 'Add' due to an error on the server.", detail), () -> peer.call(Integer.class, "Add", "one", "two"));
        equal(3, peer.call(Integer.class, "Add", 1, 2), "the sum");
    }

    private static void errorMixedUp(Scene scene) throws Exception {
        var peer = scene.connect();
        refused("The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.", () -> peer.text("Stream"));
        refused("The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.", () -> peer.stream(String.class, "Echo", "x"));
    }

    private static void errorOfSendIsSilent(Scene scene) {
        var peer = scene.connect();
        peer.hub.send("NotThere");
        peer.hub.send("Add", "one");
        peer.hub.send("ThrowHubException", "nobody hears it");
        equal("alive", peer.text("Echo", "alive"), "the answer");
    }

    private static void sizeTextEdges(Scene scene) {
        var peer = scene.connect();
        for (var size : new int[] {2_047, 4_096, 16_383, 32_768, 65_535, 65_536, 70_000}) {
            for (var character : List.of("é", "漢", "😀")) {
                // One byte more or less in front moves the cut through the characters.
                for (var front : List.of("", "a")) {
                    var width = character.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
                    var text = front + character.repeat((size - front.length()) / width);
                    equal(text, peer.text("Echo", text), size + " bytes of " + character);
                }
            }
        }
    }

    private static void sizeMegabyte(Scene scene) {
        var peer = scene.connect();
        equal(1_000_000, peer.call(Integer.class, "Length", "y".repeat(1_000_000)), "the length");
        equal("x".repeat(1_000_000), peer.text("Big", 1_000_000), "the text");
    }

    private static void sizeOverLimit(Scene scene) throws Exception {
        var all = scene.several(2);
        var peer = all.get(0);
        peer.hub.send("Length", "z".repeat(1_200_000));
        peer.closed();
        equal("here", all.get(1).text("Echo", "here"), "the other client's answer");
        peer.start();
        equal("again", peer.text("Echo", "again"), "the answer after the new start");
    }
}
