package compat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/** One run of one scenario: its clients, which end with it, and names that no other run uses. */
final class Scene {
    private static final int LOOK_AGAIN_MS = 100;

    final LegacyMain.Server server;
    final String tag = "t" + UUID.randomUUID().toString().substring(0, 8) + ".";
    private final List<Peer> peers = new ArrayList<>();
    private final List<Relay> relays = new ArrayList<>();
    private final AtomicInteger names = new AtomicInteger();
    private Peer witness;

    /** What a scenario may want of a connection beyond the command line. */
    static final class Wish {
        List<String> hubs = List.of("conformance");
        String query;
        Map<String, String> headers = new LinkedHashMap<>();
        Relay relay;
        boolean anyTransport;
        boolean hearsMany;
        Predicate<String> hears;

        static Wish hubs(String... hubs) {
            var wish = new Wish();
            wish.hubs = List.of(hubs);
            return wish;
        }

        static Wish query(String... pairs) {
            return new Wish().with(pairs);
        }

        static Wish header(String name, String value) {
            var wish = new Wish();
            wish.headers.put(name, value);
            return wish;
        }

        /** One who is a user, with roles. */
        static Wish as(String user, String... roles) {
            var wish = query("as", user);
            for (var role : roles) wish.with("role", role);
            return wish;
        }

        Wish hearing(Predicate<String> hears) {
            this.hears = hears;
            return this;
        }

        Wish through(Relay relay) {
            this.relay = relay;
            return this;
        }

        private Wish with(String... pairs) {
            for (var i = 0; i < pairs.length; i += 2) query = (query == null ? "" : query + "&") + encoded(pairs[i]) + "=" + encoded(pairs[i + 1]);
            return this;
        }
    }

    interface Send {
        void run(String text) throws Exception;
    }

    Scene(LegacyMain.Server server) {
        this.server = server;
    }

    /** A text, group or user name that nobody else uses. */
    String name(String what) {
        return tag + what + names.incrementAndGet();
    }

    Relay relay() throws Exception {
        var relay = new Relay(server.url());
        synchronized (relays) {
            relays.add(relay);
        }
        return relay;
    }

    /** A client that is not started. */
    Peer make(Wish wish) {
        var url = (wish.relay == null ? server.url() : wish.relay.url()) + server.path();
        var peer = new Peer(url, wish.anyTransport ? "auto" : server.transport(), wish, wish.hears == null ? text -> text.contains(tag) : wish.hears);
        synchronized (peers) {
            peers.add(peer);
        }
        return peer;
    }

    Peer connect(Wish wish) throws Exception {
        return make(wish).connect();
    }

    Peer connect() throws Exception {
        return connect(new Wish());
    }

    List<Peer> several(int count) throws Exception {
        var all = new ArrayList<Peer>();
        for (var i = 0; i < count; i++) all.add(connect());
        return all;
    }

    /** Sends a text and looks who gets it: each receiver once, the others not before a marker sent after it. */
    void reaches(List<Peer> all, List<Peer> receivers, String what, Send send) throws Exception {
        var text = name("text");
        send.run(text);
        for (var peer : receivers) Check.equal(text, peer.next(), what + ": the message at receiver " + all.indexOf(peer));
        var marker = name("marker");
        for (var peer : all) {
            witness().call("SendConnection", peer.id, marker);
            var more = peer.before(marker);
            var place = receivers.contains(peer) ? "in addition" : "though it should not";
            Check.isTrue(more.isEmpty(), what + ": client " + all.indexOf(peer) + " got " + more + " " + place);
        }
    }

    /** Sends a text to clients of a hub from outside: to {@code all}, {@code group}, {@code user} or {@code connection}. */
    void sendFromOutside(String hub, String to, String name, String text) throws Exception {
        server.post("/send?hub=" + hub + "&to=" + to + "&name=" + encoded(name) + "&text=" + encoded(text));
    }

    /** The events of a connection, as a client that is not part of anything else is told. */
    List<String> log(String id) throws Exception {
        var events = (JsonArray) witness().call("Log", id);
        return StreamSupport.stream(events.spliterator(), false).map(JsonElement::getAsString).toList();
    }

    /** Waits until the events of a connection are these. */
    void logged(String id, int seconds, String... events) throws Exception {
        var end = System.nanoTime() + seconds * 1_000_000_000L;
        for (;;) {
            var log = log(id);
            if (log.equals(Arrays.asList(events))) return;
            Check.isTrue(System.nanoTime() < end, "the events of the connection are " + log + ", not " + List.of(events) + ", after " + seconds + " s");
            Thread.sleep(LOOK_AGAIN_MS);
        }
    }

    void close() {
        synchronized (peers) {
            for (var peer : peers) peer.abandon();
        }
        synchronized (relays) {
            for (var relay : relays) relay.close();
        }
    }

    private synchronized Peer witness() throws Exception {
        if (witness == null) witness = connect();
        return witness;
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
