package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;
import static compat.Check.refusal;
import static compat.Check.refused;

import java.util.List;
import java.util.Map;

/** What the hub knows of its caller, and whom it lets in. */
final class IdentityScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.ofEntries(
        Map.entry("context-query", IdentityScenarios::query),
        Map.entry("context-header", IdentityScenarios::header),
        Map.entry("context-cookie", IdentityScenarios::cookie),
        Map.entry("auth-anonymous", scene -> equal(null, scene.connect().text("UserName"), "the user")),
        Map.entry("auth-query", IdentityScenarios::byQuery),
        Map.entry("auth-cookie", scene -> named(scene, "Cookie", "as=")),
        Map.entry("auth-bearer", scene -> named(scene, "Authorization", "Bearer as=")),
        Map.entry("auth-method", IdentityScenarios::method),
        Map.entry("auth-role", IdentityScenarios::role),
        Map.entry("auth-guarded-refused", IdentityScenarios::guardedRefused),
        Map.entry("auth-guarded-open", IdentityScenarios::guardedOpen),
        Map.entry("auth-guarded-dropped", IdentityScenarios::guardedDropped));

    private static final String PROBE = "a b&c=d+e %41 ü😀";

    private IdentityScenarios() { }

    private static void query(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.query("probe", PROBE, "empty", ""));
        equal(PROBE, peer.text("Query", "probe"), "the parameter");
        equal("", peer.text("Query", "empty"), "the empty parameter");
        equal(null, peer.text("Query", "missing"), "a parameter that is not there");
    }

    private static void header(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.header("X-Probe", "seen"));
        equal("seen", peer.text("Header", "X-Probe"), "the header");
        equal(null, peer.text("Header", "X-Missing"), "a header that is not there");
    }

    private static void cookie(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.header("Cookie", "probe=seen"));
        equal("seen", peer.text("CookieValue", "probe"), "the cookie");
        equal(null, peer.text("CookieValue", "missing"), "a cookie that is not there");
    }

    private static void byQuery(Scene scene) throws Exception {
        var user = scene.name("user ü+%");
        equal(user, scene.connect(Scene.Wish.as(user)).text("UserName"), "the user");
    }

    private static void named(Scene scene, String header, String value) throws Exception {
        var user = scene.name("user");
        var peer = scene.connect(Scene.Wish.header(header, value + user));
        equal(user, peer.text("UserName"), "the user");
        var text = scene.name("text");
        peer.call("SendUser", user, text);
        equal(text, peer.next(), "the message to the user");
    }

    private static void method(Scene scene) throws Exception {
        var anonymous = scene.connect();
        refused(anonymous.hiddenError("Secret"), () -> anonymous.call("Secret"));
        equal("still here", anonymous.text("Echo", "still here"), "the result");
        var user = scene.name("user");
        equal(user, scene.connect(Scene.Wish.as(user)).text("Secret"), "the user");
    }

    private static void role(Scene scene) throws Exception {
        var user = scene.name("user");
        for (var peer : List.of(scene.connect(), scene.connect(Scene.Wish.as(user, "ops")))) refused(peer.hiddenError("AdminOnly"), () -> peer.call("AdminOnly"));
        equal(user, scene.connect(Scene.Wish.as(user, "ops", "admin")).text("AdminOnly"), "the user");
    }

    private static void guardedRefused(Scene scene) throws Exception {
        var peer = scene.make(Scene.Wish.hubs("guarded"));
        refusal(() -> {
            peer.start();
            return "a start";
        });
        isTrue(!peer.wasConnected(), "the client says that it is connected");
    }

    private static void guardedOpen(Scene scene) throws Exception {
        var user = scene.name("user");
        var wish = Scene.Wish.as(user);
        wish.hubs = List.of("guarded");
        var peer = scene.connect(wish);
        equal(user, peer.text("Who"), "the user");
        var text = scene.name("text");
        peer.call("Callback", text);
        equal(text, peer.next(), "the message");
    }

    private static void guardedDropped(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.hubs("conformance", "guarded"));
        refusal(() -> peer.callAt("guarded", "Who"));
        scene.sendFromOutside("guarded", "all", "", scene.name("secret"));
        var text = scene.name("text");
        peer.call("Callback", text);
        equal(text, peer.next(), "the message");
        equal(0, peer.pending("guarded"), "the number of messages of the guarded hub");
        equal(List.of(0, 0), List.of(peer.disconnects.get(), peer.reconnecting.get()), "the numbers of ends and reconnects");
    }
}
