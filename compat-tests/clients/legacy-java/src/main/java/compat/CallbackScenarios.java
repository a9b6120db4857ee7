package compat;

import static compat.Check.equal;

import com.google.gson.JsonParser;
import java.util.List;
import java.util.Map;

/** What a hub sends to its caller. */
final class CallbackScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.of(
        "callback-once", CallbackScenarios::once,
        "callback-arguments", CallbackScenarios::arguments,
        "callback-texts", CallbackScenarios::texts,
        "callback-large", CallbackScenarios::large,
        "callback-order", CallbackScenarios::order,
        "callback-later", CallbackScenarios::later,
        "callback-unlistened-name", CallbackScenarios::unlistenedName);

    private static final int LARGE = 60_000;

    private CallbackScenarios() { }

    private static void once(Scene scene) throws Exception {
        var all = scene.several(3);
        scene.reaches(all, List.of(all.get(1)), "Callback", text -> all.get(1).call("Callback", text));
    }

    private static void arguments(Scene scene) throws Exception {
        var wish = new Scene.Wish();
        wish.hearsMany = true;
        var peer = scene.connect(wish);
        peer.call("CallbackArgs");
        equal(new JsonParser().parse("[1,'two',{'Three':3},[4,5],null,true]").toString(), peer.many().toString().replace(", ", ","), "the arguments");
    }

    private static void texts(Scene scene) throws Exception {
        var peer = scene.connect();
        for (var text : Texts.ODD) {
            peer.call("Callback", scene.tag + text);
            equal(scene.tag + text, peer.next(), "the text");
        }
    }

    private static void large(Scene scene) throws Exception {
        var peer = scene.connect();
        var text = scene.tag + "z".repeat(LARGE);
        peer.call("Callback", text);
        equal(text, peer.next(), "the text");
    }

    private static void order(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.call("Burst", 1000, scene.tag);
        equal(Texts.numbered(scene.tag, 1000), peer.take(1000, 10), "the messages");
        peer.call("Void");
        equal(0, peer.pending(), "the number of further messages");
    }

    private static void later(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.call("PushLater", 500, 20, scene.tag);
        equal(0, peer.pending(), "the number of messages before their time");
        equal(Texts.numbered(scene.tag, 20), peer.take(20, 10), "the messages");
    }

    private static void unlistenedName(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.call("CallbackArgs");
        var text = scene.name("text");
        peer.call("Callback", text);
        equal(text, peer.next(), "the message");
        equal(List.of(0, 0), List.of(peer.disconnects.get(), peer.reconnecting.get()), "the numbers of ends and reconnects");
    }
}
