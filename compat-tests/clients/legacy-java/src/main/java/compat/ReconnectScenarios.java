package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;

import com.github.signalr4j.client.SignalRFuture;
import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Links that are cut, and one that is too slow. */
final class ReconnectScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.ofEntries(
        Map.entry("reconnect-after-cut", ReconnectScenarios::afterCut),
        Map.entry("reconnect-replay", ReconnectScenarios::replay),
        Map.entry("reconnect-groups", ReconnectScenarios::groups),
        Map.entry("reconnect-many-groups", ReconnectScenarios::manyGroups),
        Map.entry("reconnect-two-hubs", ReconnectScenarios::twoHubs),
        Map.entry("reconnect-user", ReconnectScenarios::user),
        Map.entry("reconnect-outage", ReconnectScenarios::outage),
        Map.entry("reconnect-mid-frame", ReconnectScenarios::midFrame),
        Map.entry("reconnect-mid-call", ReconnectScenarios::midCall),
        Map.entry("reconnect-five-cuts", ReconnectScenarios::fiveCuts),
        Map.entry("reconnect-then-stop", ReconnectScenarios::thenStop),
        Map.entry("slow-reader", ReconnectScenarios::slowReader));

    // Long enough for every client to notice.
    private static final int CUT_MS = 1200;
    private static final int OUTAGE_MS = 5000;
    private static final int CALL_MS = 1500;
    private static final int GROUPS = 500;
    // Servers and proxies take no more.
    private static final int LONGEST_TARGET = 4096 - " HTTP/1.1\r\n".length() - "POST ".length();
    private static final int MESSAGES = 1000;
    private static final int CUTS = 5;
    private static final String PADDING = ".".repeat(1000);
    // More than the sockets on the way hold, and fewer than any server keeps.
    private static final int SLOW_MESSAGES = 1500;
    private static final int KEPT = 100;
    private static final String SLOW_PADDING = ".".repeat(8000);

    private ReconnectScenarios() { }

    /** A client whose link leads through a relay, and one that is not cut off. */
    private record Pair(Scene scene, Relay relay, Peer witness, Peer peer) {
        static Pair of(Scene scene, Scene.Wish wish) throws Exception {
            var relay = scene.relay();
            return new Pair(scene, relay, scene.connect(), scene.connect(wish.through(relay)));
        }

        /** Cuts all links for a while, does something meanwhile, and waits until the client is back. */
        void cut(int milliseconds, Work meanwhile) throws Exception {
            relay.cut(milliseconds);
            meanwhile.run();
            peer.returned();
        }

        void cut() throws Exception {
            cut(CUT_MS, () -> { });
        }

        void reaches(Scene.Send send) throws Exception {
            var text = scene.name("text");
            send.run(text);
            equal(text, peer.next(), "the message");
        }

        void toGroup(String group, String text) throws Exception {
            witness.call("SendGroup", group, text);
        }

        /** Nothing else is on its way to the client. */
        void nothingMore() throws Exception {
            var marker = scene.name("marker");
            peer.call("Callback", marker);
            equal(List.of(), peer.before(marker), "further messages");
        }

        /** Sends something now and then until the armed cut is done. */
        void untilCut(Work send) throws Exception {
            for (var i = 0; i < 100 && !relay.isCut(100); i++) send.run();
            isTrue(relay.isCut(1000), "the link was not cut; the client was " + peer.states);
        }

        /** Something that the client does not listen to. */
        void sendUnheard() throws Exception {
            witness.call("SendConnection", peer.id, PADDING);
        }

        /** The hub saw the connection come back that often. */
        void returned(int count) throws Exception {
            var events = new ArrayList<>(List.of("connected"));
            events.addAll(Collections.nCopies(count, "reconnected"));
            scene.logged(peer.id, 5, events.toArray(String[]::new));
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private static void afterCut(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        var peer = pair.peer;
        pair.cut();
        equal(List.of(1, 0), List.of(peer.reconnects.get(), peer.disconnects.get()), "the numbers of reconnects and ends");
        isTrue(peer.reconnecting.get() > 0, "the client does not say that it is reconnecting");
        equal(List.of(peer.id, peer.id), List.of(peer.shownId(), peer.text("ConnectionId")), "the ids");
        pair.reaches(text -> peer.call("Callback", text));
        pair.reaches(text -> peer.call("SendConnection", peer.id, text));
        pair.returned(1);
    }

    private static void replay(Scene scene) throws Exception {
        var user = scene.name("user");
        var group = scene.name("group");
        var pair = Pair.of(scene, Scene.Wish.as(user));
        pair.peer.call("JoinGroup", group);
        var later = scene.name("later");
        var texts = new ArrayList<>(Texts.numbered(later, 5));
        pair.peer.call("PushLater", 300, 5, later);
        pair.cut(CUT_MS, () -> {
            Thread.sleep(600);
            var excepted = List.of(pair.witness.id);
            for (var round = 0; round < 5; round++) {
                pair.witness.call("SendConnection", pair.peer.id, fresh(scene, texts));
                pair.witness.call("SendUser", user, fresh(scene, texts));
                pair.witness.call("SendGroup", group, fresh(scene, texts));
                pair.witness.call("SendGroupExcept", group, fresh(scene, texts), excepted);
                pair.witness.call("Broadcast", fresh(scene, texts));
                pair.witness.call("BroadcastOthers", fresh(scene, texts));
                pair.witness.call("BroadcastExcept", fresh(scene, texts), excepted);
            }
            scene.sendFromOutside("conformance", "group", group, fresh(scene, texts));
            // Those are not for it.
            pair.witness.call("SendGroupExcept", group, scene.name("not"), List.of(pair.peer.id));
            pair.witness.call("BroadcastExcept", scene.name("not"), List.of(pair.peer.id));
        });
        equal(texts, pair.peer.take(texts.size(), 10), "what was sent meanwhile");
        pair.nothingMore();
    }

    private static String fresh(Scene scene, List<String> texts) {
        var text = scene.name("text");
        texts.add(text);
        return text;
    }

    private static void groups(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        var kept = scene.name("kept");
        var left = scene.name("left");
        var later = scene.name("later");
        for (var group : List.of(kept, left)) pair.peer.call("JoinGroup", group);
        pair.peer.call("LeaveGroup", left);
        pair.cut();
        pair.reaches(text -> pair.toGroup(kept, text));
        pair.toGroup(left, scene.name("not"));
        pair.peer.call("JoinGroup", later);
        pair.reaches(text -> pair.toGroup(later, text));
        pair.peer.call("LeaveGroup", kept);
        pair.toGroup(kept, scene.name("not"));
        pair.nothingMore();
        // What changed after the first reconnect is kept by the second.
        pair.cut();
        pair.toGroup(kept, scene.name("not"));
        pair.reaches(text -> pair.toGroup(later, text));
        pair.nothingMore();
    }

    private static void manyGroups(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        var groups = new ArrayList<String>();
        for (var i = 0; i < GROUPS; i++) {
            groups.add(scene.name("a group with a long name, number " + i));
            pair.peer.call("JoinGroup", groups.get(i));
        }
        pair.cut();
        for (var i = 0; i < GROUPS; i += 50) {
            var group = groups.get(i);
            pair.reaches(text -> pair.toGroup(group, text));
        }
        pair.reaches(text -> pair.toGroup(groups.get(GROUPS - 1), text));
        pair.nothingMore();
        var longest = pair.relay.longestTarget();
        isTrue(longest > 0 && longest <= LONGEST_TARGET, "the longest request target has " + longest + " characters");
    }

    private static void twoHubs(Scene scene) throws Exception {
        var pair = Pair.of(scene, Scene.Wish.hubs("conformance", "second"));
        var peer = pair.peer;
        pair.cut();
        var text = scene.name("text");
        equal("second:" + text, peer.textAt("second", "Echo", text), "the result");
        peer.callAt("second", "Callback", text);
        equal("second:" + text, peer.next("second", 10), "the message");
        pair.reaches(mine -> peer.call("Callback", mine));
        equal(List.of("connected", "reconnected", "second-connected"), scene.log(peer.id).stream().sorted().toList(), "the events");
    }

    private static void user(Scene scene) throws Exception {
        var user = scene.name("user");
        var pair = Pair.of(scene, Scene.Wish.as(user));
        pair.cut();
        for (var method : List.of("UserName", "Secret")) equal(user, pair.peer.text(method), "the user");
        pair.reaches(text -> pair.witness.call("SendUser", user, text));
    }

    private static void outage(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        var texts = new ArrayList<String>();
        for (var outage = 0; outage < 2; outage++) {
            pair.cut(OUTAGE_MS, () -> {
                for (var i = 0; i < 100; i++) pair.witness.call("SendConnection", pair.peer.id, fresh(scene, texts));
            });
            equal("back", pair.peer.text("Echo", "back"), "the result");
        }
        equal(texts, pair.peer.take(texts.size(), 10), "what was sent meanwhile");
        pair.nothingMore();
        equal(0, pair.peer.disconnects.get(), "the number of ends");
        pair.returned(2);
    }

    private static void midFrame(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        var texts = new ArrayList<String>();
        for (var bytes : List.of(1, 7_777, 20_011)) {
            pair.relay.armCut(bytes);
            for (var i = 0; i < 30; i++) {
                texts.add(scene.name(PADDING));
                pair.witness.call("SendConnection", pair.peer.id, texts.get(texts.size() - 1));
            }
            pair.untilCut(() -> pair.witness.call("SendConnection", pair.peer.id, fresh(scene, texts)));
            pair.peer.returned();
        }
        equal(texts, pair.peer.take(texts.size(), 10), "the messages");
        pair.nothingMore();
        pair.returned(3);
    }

    private static void midCall(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        // While the hub works.
        var slow = pair.peer.beginCall("Slow", CALL_MS);
        Thread.sleep(CALL_MS / 3);
        pair.cut();
        var end = endOf(slow);
        isTrue(end.equals("result " + CALL_MS) || end.startsWith("error "), "the call ended with " + end);
        // While what the call sends is on its way.
        pair.relay.armCut(9_001);
        var prefix = scene.tag + PADDING.substring(0, 100);
        var burst = pair.peer.beginCall("Burst", 500, prefix);
        // For when the rest was too quick.
        pair.untilCut(pair::sendUnheard);
        pair.peer.returned();
        endOf(burst);
        equal(Texts.numbered(prefix, 500), pair.peer.take(500, 10), "what the call sent");
        equal("after", pair.peer.text("Echo", "after"), "the result");
        pair.nothingMore();
    }

    private static String endOf(SignalRFuture<JsonElement> call) throws Exception {
        try {
            return "result " + Peer.result(call, "the call");
        } catch (Check.Failed error) {
            throw error;
        } catch (Exception error) {
            return "error " + error.getMessage();
        }
    }

    private static void fiveCuts(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        var peer = pair.peer;
        var group = scene.name("group");
        peer.call("JoinGroup", group);
        var texts = Texts.numbered(scene.tag, MESSAGES);
        var sending = CompletableFuture.runAsync(() -> sendAll(pair, group, texts));
        for (var round = 0; round < CUTS; round++) {
            if (round % 2 == 0) {
                pair.relay.armCut(301 + round);
                // When all is sent already, there is this.
                pair.untilCut(pair::sendUnheard);
            } else {
                pair.relay.cut(CUT_MS);
            }
            peer.returned();
        }
        try {
            sending.get();
        } catch (ExecutionException error) {
            throw new Check.Failed("sending: " + error.getCause());
        }
        equal(texts, peer.take(MESSAGES, 30), "the messages");
        pair.nothingMore();
        equal(List.of(CUTS, 0), List.of(peer.reconnects.get(), peer.disconnects.get()), "the numbers of reconnects and ends");
        pair.returned(CUTS);
    }

    private static void sendAll(Pair pair, String group, List<String> texts) {
        try {
            for (var i = 0; i < texts.size(); i++) {
                switch (i % 3) {
                    case 0 -> pair.witness.call("SendConnection", pair.peer.id, texts.get(i));
                    case 1 -> pair.toGroup(group, texts.get(i));
                    default -> pair.witness.call("Broadcast", texts.get(i));
                }
                // So that there are some left for every cut.
                if (i < MESSAGES / 2) Thread.sleep(5);
            }
        } catch (Exception error) {
            throw new Check.Failed(error.toString());
        }
    }

    private static void thenStop(Scene scene) throws Exception {
        var pair = Pair.of(scene, new Scene.Wish());
        pair.cut();
        pair.peer.stop();
        pair.peer.ended();
        scene.logged(pair.peer.id, 5, "connected", "reconnected", "disconnected:true");
        equal(1, pair.peer.disconnects.get(), "the number of ends");
    }

    private static void slowReader(Scene scene) throws Exception {
        var relay = scene.relay();
        var reader = scene.connect(new Scene.Wish().through(relay));
        var other = scene.connect();
        var sender = scene.connect();
        var group = scene.name("group");
        for (var peer : List.of(reader, other)) peer.call("JoinGroup", group);
        relay.stall();
        for (var i = 0; i < SLOW_MESSAGES; i++) sender.call("SendGroup", group, scene.tag + SLOW_PADDING + i);
        equal(Texts.numbered(scene.tag + SLOW_PADDING, SLOW_MESSAGES), other.take(SLOW_MESSAGES, 10), "what the others got");
        var begin = System.nanoTime();
        equal("quick", other.text("Echo", "quick"), "the result");
        isTrue(System.nanoTime() - begin < 3_000_000_000L, "the others wait for the slow one");
        Thread.sleep(2000);
        relay.resume();
        // It ends, or sooner or later gets the last.
        var last = scene.name("last");
        sender.call("SendConnection", reader.id, last);
        var got = reader.beforeUnlessEnded(last);
        if (got.isEmpty()) return;
        var seen = got.get().stream().map(text -> Integer.parseInt(text.substring(text.lastIndexOf('.') + 1))).toList();
        for (var i = 1; i < seen.size(); i++) isTrue(seen.get(i) > seen.get(i - 1), "messages came twice or out of order");
        // What is kept for a client that does not keep up is the latest.
        var latest = seen.subList(Math.max(0, seen.size() - KEPT), seen.size());
        isTrue(latest.size() == KEPT && latest.get(0) == SLOW_MESSAGES - KEPT && latest.get(KEPT - 1) == SLOW_MESSAGES - 1,
            "of " + SLOW_MESSAGES + " messages " + seen.size() + " came, and not the latest " + KEPT + " without a gap");
    }
}
