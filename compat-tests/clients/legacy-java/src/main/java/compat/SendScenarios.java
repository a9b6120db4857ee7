package compat;

import static compat.Check.equal;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Sends to all, to connections and to users. */
final class SendScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.of(
        "send-to-all", SendScenarios::toAll,
        "send-to-others", SendScenarios::toOthers,
        "send-to-all-except", SendScenarios::toAllExcept,
        "send-to-connection", SendScenarios::toConnection,
        "send-to-user", SendScenarios::toUser,
        "send-by-second-hub", SendScenarios::bySecondHub,
        "send-from-outside", SendScenarios::fromOutside);

    private SendScenarios() { }

    private static void toAll(Scene scene) throws Exception {
        var all = scene.several(3);
        for (var i : List.of(0, 2)) scene.reaches(all, all, "All", text -> all.get(i).call("Broadcast", text));
    }

    private static void toOthers(Scene scene) throws Exception {
        var all = scene.several(4);
        scene.reaches(all, List.of(all.get(0), all.get(1), all.get(3)), "Others", text -> all.get(2).call("BroadcastOthers", text));
    }

    private static void toAllExcept(Scene scene) throws Exception {
        var all = scene.several(4);
        var ids = all.stream().map(peer -> peer.id).toList();
        scene.reaches(all, all, "AllExcept()", text -> all.get(0).call("BroadcastExcept", text, List.of()));
        scene.reaches(all, List.of(all.get(0), all.get(2), all.get(3)), "AllExcept(b)", text -> all.get(0).call("BroadcastExcept", text, List.of(ids.get(1))));
        scene.reaches(all, List.of(all.get(3)), "AllExcept(a, b, c)", text -> all.get(0).call("BroadcastExcept", text, ids.subList(0, 3)));
        scene.reaches(all, all, "AllExcept(unknown)", text -> all.get(0).call("BroadcastExcept", text, List.of("nobody")));
    }

    private static void toConnection(Scene scene) throws Exception {
        var all = scene.several(3);
        scene.reaches(all, List.of(all.get(2)), "Client(c)", text -> all.get(0).call("SendConnection", all.get(2).id, text));
        scene.reaches(all, List.of(all.get(0)), "Client(own id)", text -> all.get(0).call("SendConnection", all.get(0).id, text));
        scene.reaches(all, List.of(), "Client(unknown)", text -> all.get(0).call("SendConnection", "nobody", text));
    }

    private static void toUser(Scene scene) throws Exception {
        var one = scene.name("one");
        var two = scene.name("two");
        var all = List.of(scene.connect(Scene.Wish.as(one)), scene.connect(Scene.Wish.as(one)), scene.connect(Scene.Wish.as(two)), scene.connect());
        scene.reaches(all, all.subList(0, 2), "User(one)", text -> all.get(3).call("SendUser", one, text));
        scene.reaches(all, List.of(all.get(2)), "User(two)", text -> all.get(0).call("SendUser", two, text));
        scene.reaches(all, List.of(), "User(ONE)", text -> all.get(3).call("SendUser", one.toUpperCase(Locale.ROOT), text));
        scene.reaches(all, List.of(), "User(unknown)", text -> all.get(3).call("SendUser", scene.name("nobody"), text));
    }

    private static void bySecondHub(Scene scene) throws Exception {
        var first = scene.connect();
        var second = scene.connect(Scene.Wish.hubs("second"));
        var text = scene.name("text");
        second.call("Broadcast", text);
        equal("second:" + text, second.next(), "the message of the second hub");
        var other = scene.name("other");
        first.call("Broadcast", other);
        equal(other, first.next(), "the message of the first hub");
        second.call("Callback", "end");
        equal(0, first.pending(), "the number of further messages");
        equal("works", first.text("Echo", "works"), "the result");
        for (var peer : List.of(first, second)) equal(0, peer.disconnects.get() + peer.reconnecting.get(), "the number of ends and reconnects");
    }

    private static void fromOutside(Scene scene) throws Exception {
        var user = scene.name("user");
        var group = scene.name("group");
        var all = List.of(scene.connect(), scene.connect(Scene.Wish.as(user)), scene.connect());
        for (var peer : all.subList(0, 2)) peer.call("JoinGroup", group);
        from(scene, all, all, "all", "");
        from(scene, all, all.subList(0, 2), "group", group);
        from(scene, all, List.of(), "group", scene.name("empty"));
        from(scene, all, List.of(all.get(1)), "user", user);
        from(scene, all, List.of(), "user", "nobody");
        from(scene, all, List.of(all.get(2)), "connection", all.get(2).id);
        from(scene, all, List.of(), "connection", "nobody");
    }

    private static void from(Scene scene, List<Peer> all, List<Peer> receivers, String to, String name) throws Exception {
        scene.reaches(all, receivers, to + " from outside", text -> scene.sendFromOutside("conformance", to, name, text));
    }
}
