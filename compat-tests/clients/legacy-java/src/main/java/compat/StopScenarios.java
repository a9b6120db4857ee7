package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;

import com.github.signalr4j.client.ConnectionState;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Ends, and none. */
final class StopScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.of(
        "stop-reported-once", StopScenarios::reportedOnce,
        "stop-quick", StopScenarios::quick,
        "stop-under-way", StopScenarios::underWay,
        "stop-lost", StopScenarios::lost,
        "idle-stays-up", StopScenarios::idle);

    private static final int IDLE_SECONDS = 45;
    private static final int SECOND_MS = 1000;
    private static final String[] ENDED = {"connected", "disconnected:true"};

    private StopScenarios() { }

    private static void reportedOnce(Scene scene) throws Exception {
        var peer = scene.connect();
        equal(List.of("connected"), scene.log(peer.id), "the events before the stop");
        peer.stop();
        peer.ended();
        scene.logged(peer.id, 5, ENDED);
        // Nothing more comes of it, also when others come and go.
        var other = scene.connect();
        other.stop();
        scene.logged(other.id, 5, ENDED);
        Thread.sleep(500);
        equal(List.of(ENDED), scene.log(peer.id), "the events after a while");
        equal(1, peer.disconnects.get(), "the number of ends");
    }

    private static void quick(Scene scene) throws Exception {
        var peer = scene.connect();
        // The witness must not have to connect first.
        equal(List.of("connected"), scene.log(peer.id), "the events before the stop");
        var begin = System.nanoTime();
        peer.stop();
        peer.ended();
        var client = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        scene.logged(peer.id, 5, ENDED);
        var hub = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        isTrue(client < SECOND_MS && hub < SECOND_MS, "the stop took the client " + client + " ms, and the hub knew of it after " + hub + " ms");
    }

    private static void underWay(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.beginCall("Slow", 20_000);
        peer.call("PushLater", 0, 500, scene.tag);
        peer.stop();
        peer.ended();
        scene.logged(peer.id, 5, ENDED);
        // One that is stopped before it is connected stays so.
        var early = scene.make(new Scene.Wish());
        early.begin();
        early.stop();
        Thread.sleep(2000);
        isTrue(!early.wasConnected(), "a client that was stopped while it started is connected");
        equal("others", scene.connect().text("Echo", "others"), "the answer");
    }

    private static void lost(Scene scene) throws Exception {
        var relay = scene.relay();
        var peer = scene.connect(new Scene.Wish().through(relay));
        equal(List.of("connected"), scene.log(peer.id), "the events before the loss");
        relay.cut();
        scene.logged(peer.id, 60, "connected", "disconnected:false");
        peer.ended();
        equal(List.of(1, 0), List.of(peer.disconnects.get(), peer.reconnects.get()), "the numbers of ends and reconnects");
        equal(List.of("connected", "disconnected:false"), scene.log(peer.id), "the events in the end");
    }

    private static void idle(Scene scene) throws Exception {
        var all = scene.several(2);
        Thread.sleep(TimeUnit.SECONDS.toMillis(IDLE_SECONDS));
        for (var peer : all) {
            equal(List.of(0, 0, 0), List.of(peer.slow.get(), peer.reconnecting.get(), peer.disconnects.get()), "the numbers of slow lines, reconnects and ends");
            equal(ConnectionState.Connected, peer.states.get(peer.states.size() - 1), "the state");
            equal(peer.id, peer.text("ConnectionId"), "the id");
        }
        scene.reaches(all, all, "after the silence", text -> all.get(1).call("Broadcast", text));
        for (var peer : all) equal(List.of("connected"), scene.log(peer.id), "the events");
    }
}
