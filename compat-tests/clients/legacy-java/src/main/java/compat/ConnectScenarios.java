package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;
import static compat.Check.refusal;

import com.github.signalr4j.client.ConnectionState;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Beginnings. */
final class ConnectScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.of(
        "connect-and-stop", ConnectScenarios::andStop,
        "connect-start-again", ConnectScenarios::startAgain,
        "connect-id-visible", ConnectScenarios::idVisible,
        "connect-picks-transport", ConnectScenarios::picksTransport,
        "connect-two-hubs", ConnectScenarios::twoHubs,
        "connect-three-hubs", ConnectScenarios::threeHubs,
        "connect-greeting", ConnectScenarios::greeting,
        "connect-hub-fails", ConnectScenarios::hubFails,
        "connect-many", ConnectScenarios::many);

    private ConnectScenarios() { }

    private static void andStop(Scene scene) throws Exception {
        var peer = scene.connect();
        equal("hello", peer.text("Echo", "hello"), "the answer");
        equal(ConnectionState.Connected, last(peer), "the state");
        peer.stop();
        peer.ended();
        equal(1, peer.disconnects.get(), "the number of ends");
        equal(ConnectionState.Disconnected, last(peer), "the state");
    }

    private static void startAgain(Scene scene) throws Exception {
        var peer = scene.connect();
        var first = peer.id;
        peer.stop();
        peer.ended();
        peer.connect();
        isTrue(!peer.id.equals(first), "the second start has the first one's id");
        equal(peer.id, peer.text("ConnectionId"), "the id the hub sees");
        equal("again", peer.text("Echo", "again"), "the answer");
        scene.logged(peer.id, 5, "connected");
    }

    private static void idVisible(Scene scene) throws Exception {
        var peer = scene.connect();
        equal(peer.shownId(), peer.text("ConnectionId"), "the id the hub sees");
    }

    private static void picksTransport(Scene scene) throws Exception {
        var wish = new Scene.Wish();
        wish.anyTransport = true;
        var peer = scene.connect(wish);
        isTrue(Set.of("webSockets", "serverSentEvents", "longPolling").contains(peer.usedTransport()), "the transport is " + peer.usedTransport());
        equal("picked", peer.text("Echo", "picked"), "the answer");
    }

    private static void twoHubs(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.hubs("conformance", "second"));
        var text = scene.name("text");
        equal(text, peer.text("Echo", text), "the answer");
        equal("second:" + text, peer.textAt("second", "Echo", text), "the answer of the second hub");
        peer.callAt("second", "Callback", text);
        peer.call("Callback", text);
        equal(text, peer.next(), "the message");
        equal("second:" + text, peer.next("second", 10), "the message of the second hub");
        equal(List.of(0, 0), List.of(peer.pending(), peer.pending("second")), "the numbers of further messages");
        equal(List.of("connected", "second-connected"), scene.log(peer.id).stream().sorted().toList(), "the events");
    }

    private static void threeHubs(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.hubs("second", "greeter", "conformance").hearing(text -> true));
        equal("hello", peer.next("greeter", 10), "the greeting");
        equal("second:a", peer.text("Echo", "a"), "the answer");
        equal("b", peer.textAt("greeter", "Echo", "b"), "the answer");
        equal("c", peer.textAt("conformance", "Echo", "c"), "the answer");
        equal(0, peer.pending("greeter"), "the number of further greetings");
        equal(List.of("connected", "second-connected"), scene.log(peer.id).stream().sorted().toList(), "the events");
    }

    private static void greeting(Scene scene) throws Exception {
        var peer = scene.connect(Scene.Wish.hubs("greeter").hearing(text -> true));
        equal("hello", peer.next(), "the greeting");
        equal("echo", peer.text("Echo", "echo"), "the answer");
        equal(0, peer.pending(), "the number of further greetings");
    }

    private static void hubFails(Scene scene) throws Exception {
        var peer = scene.make(Scene.Wish.hubs("failing"));
        refusal(() -> {
            peer.start();
            return "a start";
        });
        isTrue(!peer.wasConnected(), "the client says that it is connected");
    }

    private static void many(Scene scene) throws Exception {
        var ids = new HashSet<String>();
        for (var round = 0; round < 3; round++) {
            var all = scene.several(4);
            for (var i = 0; i < all.size(); i++) {
                ids.add(all.get(i).id);
                equal(i + round, all.get(i).number("Add", i, round), "the sum");
            }
            for (var peer : all) peer.stop();
            for (var peer : all) peer.ended();
        }
        equal(12, ids.size(), "the number of ids");
    }

    private static ConnectionState last(Peer peer) {
        return peer.states.get(peer.states.size() - 1);
    }
}
