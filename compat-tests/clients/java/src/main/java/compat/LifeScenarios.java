package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;
import static compat.Check.refused;

import com.google.gson.JsonObject;
import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.core.Completable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Identity and ends. */
final class LifeScenarios {
    static final List<Scenario> ALL = List.of(
        Scenario.of("who-anonymous", LifeScenarios::whoAnonymous),
        Scenario.of("who-user", LifeScenarios::whoUser),
        Scenario.of("who-query", LifeScenarios::whoQuery),
        Scenario.of("who-headers", LifeScenarios::whoHeaders),
        Scenario.of("who-transport", LifeScenarios::whoTransport),
        Scenario.of("auth-refused", LifeScenarios::authRefused),
        Scenario.of("auth-token", LifeScenarios::authToken),
        Scenario.of("auth-query", LifeScenarios::authQuery),
        Scenario.of("auth-role", LifeScenarios::authRole),
        Scenario.of("end-abort-by-hub", LifeScenarios::endAbortByHub),
        Scenario.of("end-abort-from-outside", LifeScenarios::endAbortFromOutside),
        Scenario.of("end-stop-seen-once", LifeScenarios::endStopSeenOnce),
        Scenario.of("end-link-lost", 60, LifeScenarios::endLinkLost),
        Scenario.of("many-at-once", 120, LifeScenarios::manyAtOnce),
        Scenario.slow("idle-stays-up", 90, LifeScenarios::idleStaysUp));

    private LifeScenarios() { }

    // Not by UserId(), since a null result never comes back, see invoke-null.
    private static void whoAnonymous(Scene scene) {
        var seen = scene.connect().call(JsonObject.class, "WhoAmI");
        equal(false, seen.get("authenticated").getAsBoolean(), "authenticated");
        isTrue(!seen.has("userId") || seen.get("userId").isJsonNull(), "there is a user");
    }

    private static void whoUser(Scene scene) {
        var user = scene.name("ü&ser ");
        var peer = scene.connect(Scene.Wish.hub("testhub", "", "user=" + App.encoded(user) + "&role=admin&claim=dept:r%26d"));
        equal(user, peer.text("UserId"), "the user id");
        var seen = peer.call(JsonObject.class, "WhoAmI");
        equal(user + "-name", seen.get("name").getAsString(), "the name");
        isTrue(seen.get("claims").toString().contains("[\"dept\",\"r&d\"]"), "the claims are " + seen.get("claims"));
    }

    private static void whoQuery(Scene scene) {
        var peer = scene.connect("tenant=r%26d%20%C3%BC&list=1&list=2");
        equal("r&d ü", peer.text("Query", "tenant"), "tenant");
        equal("1,2", peer.text("Query", "list"), "list");
        equal("", peer.text("Query", "missing"), "a parameter that was not given");
    }

    private static void whoHeaders(Scene scene) {
        var peer = scene.connect(new Scene.Wish("testhub", "", null, Map.of("X-First", "one, two; three=\"4\""), null, null, false));
        equal("one, two; three=\"4\"", peer.text("Header", "X-First"), "X-First");
        equal("", peer.text("Header", "X-Third"), "a header that was not sent");
    }

    private static void whoTransport(Scene scene) {
        var peer = scene.connect();
        var seen = peer.call(JsonObject.class, "WhoAmI");
        equal(peer.id, seen.get("connectionId").getAsString(), "the connection id");
        if (!scene.app.serves) return;
        equal(scene.transport == TransportEnum.WEBSOCKETS ? "WebSockets" : "LongPolling", seen.get("transport").getAsString(), "the transport");
        equal("/testhub", seen.get("path").getAsString(), "the path");
    }

    private static void authRefused(Scene scene) {
        var peer = scene.make(Scene.Wish.hub("secret", "", null));
        try {
            peer.start();
        } catch (RuntimeException error) {
            isTrue(error.toString().contains("401"), "the refusal is: " + error);
            return;
        }
        throw new Check.Failed("an anonymous client was let in");
    }

    private static void authToken(Scene scene) {
        var user = scene.name("user");
        var peer = scene.connect(Scene.Wish.hub("secret", "", "user=" + user + "&role=admin&role=ops&claim=dept:r%26d"));
        equal(user + "|" + user + "-name|admin,ops|r&d", peer.text("Summary"), "what the hub knows");
    }

    private static void authQuery(Scene scene) {
        var user = scene.name("user");
        var peer = scene.connect(Scene.Wish.hub("secret", "user=" + user + "&role=admin", null));
        equal(user + "|" + user + "-name|admin|", peer.text("Summary"), "what the hub knows");
    }

    private static void authRole(Scene scene) throws Exception {
        var plain = scene.connect(Scene.Wish.hub("secret", "", "user=plain&role=guest"));
        equal("in", plain.text("Echo", "in"), "the answer");
        refused("Failed to invoke 'AdminOnly' because user is unauthorized", () -> plain.text("AdminOnly"));
        equal("ok", scene.connect(Scene.Wish.hub("secret", "", "user=chief&role=admin")).text("AdminOnly"), "the answer");
    }

    private static void endAbortByHub(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.hub.send("AbortMe");
        peer.closed();
        scene.app.disconnected(peer.id);
    }

    private static void endAbortFromOutside(Scene scene) throws Exception {
        var all = scene.several(2);
        var peer = all.get(0);
        scene.app.abort(peer.id);
        peer.closed();
        scene.app.disconnected(peer.id);
        equal("here", all.get(1).text("Echo", "here"), "the other client's answer");
        peer.start();
        isTrue(!peer.text("GetCallerConnectionId").equals(peer.id), "the new connection has the old id");
    }

    private static void endStopSeenOnce(Scene scene) throws Exception {
        var user = scene.name("user");
        var peer = scene.connect("user=" + user);
        peer.run("Note", "hello");
        peer.stop();
        scene.app.disconnected(peer.id);
        var events = scene.app.reports(peer.id, "disconnected");
        equal(List.of("connected", "note", "disconnected"), events.stream().map(App.Event::event).toList(), "the events");
        isTrue(events.stream().allMatch(e -> user.equals(e.user())), "an event has another user");
        equal(null, events.get(2).detail(), "the error the hub was told");
    }

    private static void endLinkLost(Scene scene) throws Exception {
        var place = scene.app.place("testhub");
        try (var relay = new Relay(place.url())) {
            var peer = scene.connectAt(relay.url(), place.token());
            relay.close();
            var error = peer.closed();
            // Without a socket the server waits for the next poll.
            scene.app.disconnected(peer.id, scene.transport == TransportEnum.LONG_POLLING ? 45 : 15);
            isTrue(!error.isEmpty(), "the client reports no error");
        }
    }

    private static void manyAtOnce(Scene scene) throws Exception {
        var count = 200;
        var all = new ArrayList<Peer>();
        for (var i = 0; i < count; i++) all.add(scene.make(Scene.Wish.query("")));
        var starts = all.stream().map(peer -> peer.hub.start()).toList();
        isTrue(Completable.merge(starts).blockingAwait(60, TimeUnit.SECONDS), "not all are connected within 60 s");
        for (var peer : all) peer.id = peer.text("GetCallerConnectionId");
        equal(count, (int) all.stream().map(peer -> peer.id).distinct().count(), "the number of ids");
        for (var i = 0; i < count; i++) equal(i + 1, all.get(i).call(Integer.class, "Add", i, 1), "the sum");
        var group = scene.name("group");
        for (var peer : all) peer.run("Join", group);
        scene.reaches(all, all, "a group of all", text -> all.get(0).run("ToGroup", group, text));
        scene.reaches(all, all, "All", text -> all.get(count - 1).run("ToAll", text));
        for (var peer : all) peer.stop();
        for (var peer : all) scene.app.disconnected(peer.id);
    }

    private static void idleStaysUp(Scene scene) throws Exception {
        var all = scene.several(2);
        // Nothing must happen on these connections for longer than both sides' timeouts; a close would show.
        equal(null, all.get(0).closes.poll(40, TimeUnit.SECONDS), "the first connection's close");
        isTrue(all.get(1).closes.isEmpty(), "the second connection closed");
        for (var peer : all) equal(peer.id, peer.text("GetCallerConnectionId"), "the id");
        scene.reaches(all, all, "after 40 s of silence", text -> all.get(1).run("ToAll", text));
    }
}
