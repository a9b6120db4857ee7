package compat;

import com.microsoft.signalr.HubConnectionBuilder;
import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.core.Single;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;

/** One run of one scenario: its clients, which end with it, and names that no other run uses. */
final class Scene {
    /** What a scenario may want of a connection. */
    record Wish(String hub, String query, String token, Map<String, String> headers, Predicate<String> hears, TransportEnum transport, boolean skipsNegotiate) {
        static Wish query(String query) {
            return new Wish("testhub", query, null, Map.of(), null, null, false);
        }

        static Wish hub(String hub, String query, String token) {
            return new Wish(hub, query, token, Map.of(), null, null, false);
        }
    }

    interface Send {
        void run(String text) throws Exception;
    }

    final App app;
    final TransportEnum transport;
    final String tag = "t" + UUID.randomUUID().toString().substring(0, 8) + ".";
    private final List<Peer> peers = new ArrayList<>();
    private int names;

    Scene(App app, TransportEnum transport) {
        this.app = app;
        this.transport = transport;
    }

    String name(String what) {
        return tag + what + ++names;
    }

    Peer make(Wish wish) {
        return make(wish, app.url + "/" + wish.hub + (wish.query.isEmpty() ? "" : "?" + wish.query));
    }

    private Peer make(Wish wish, String url) {
        var builder = HubConnectionBuilder.create(url)
            .withTransport(wish.transport == null ? transport : wish.transport)
            .shouldSkipNegotiate(wish.skipsNegotiate)
            .withHeaders(wish.headers);
        if (wish.token != null) builder = builder.withAccessTokenProvider(Single.just(wish.token));
        var peer = new Peer(builder.build(), wish.hears == null ? text -> text.startsWith(tag) : wish.hears);
        peers.add(peer);
        return peer;
    }

    Peer connect(Wish wish) {
        return connect(wish, make(wish));
    }

    /** Connects at an address that serves the hub itself. */
    Peer connectAt(String url, String token) {
        var wish = Wish.hub("testhub", "", token);
        return connect(wish, make(wish, url));
    }

    private static Peer connect(Wish wish, Peer peer) {
        peer.start();
        if (wish.hub.equals("testhub")) peer.id = peer.text("GetCallerConnectionId");
        return peer;
    }

    Peer connect(String query) {
        return connect(Wish.query(query));
    }

    Peer connect() {
        return connect("");
    }

    List<Peer> several(int count) {
        var all = new ArrayList<Peer>();
        for (var i = 0; i < count; i++) all.add(connect());
        return all;
    }

    /** Sends a text and looks who gets it: each of the receivers once, the others not before a marker that is sent after it to all. */
    void reaches(List<Peer> all, List<Peer> receivers, String what, Send send) throws Exception {
        var text = name("text");
        send.run(text);
        for (var peer : receivers) Check.equal(text, peer.next(), what + ": the message at receiver " + all.indexOf(peer));
        var marker = name("marker");
        all.get(0).run("ToClients", all.stream().map(peer -> peer.id).toList(), marker);
        for (var peer : all) {
            var more = peer.before(marker);
            var place = receivers.contains(peer) ? "in addition" : "though it should not";
            Check.isTrue(more.isEmpty(), what + ": client " + all.indexOf(peer) + " got " + more + " " + place);
        }
    }

    void close() {
        // Some take long to stop; nothing of the next scenario depends on it.
        for (var peer : peers) peer.hub.stop().onErrorComplete().subscribe();
    }
}
