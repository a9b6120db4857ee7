package compat;

import com.github.signalr4j.client.ConnectionState;
import com.github.signalr4j.client.NullLogger;
import com.github.signalr4j.client.SignalRFuture;
import com.github.signalr4j.client.hubs.HubConnection;
import com.github.signalr4j.client.hubs.HubProxy;
import com.github.signalr4j.client.transport.AutomaticTransport;
import com.github.signalr4j.client.transport.ClientTransport;
import com.github.signalr4j.client.transport.LongPollingTransport;
import com.github.signalr4j.client.transport.ServerSentEventsTransport;
import com.github.signalr4j.client.transport.WebsocketTransport;
import com.google.gson.JsonElement;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A connection of the client under test and what happened to it. */
final class Peer {
    private static final int START_SECONDS = 25;
    private static final int CALL_SECONDS = 40;
    private static final int SECONDS = 10;
    private static final int RETURN_SECONDS = 12;
    // A client that is not told of its end takes the time of its keep-alive to see it.
    private static final int SILENT_SECONDS = 40;

    final List<String> hubs;
    final List<ConnectionState> states = new CopyOnWriteArrayList<>();
    final AtomicInteger reconnecting = new AtomicInteger();
    final AtomicInteger reconnects = new AtomicInteger();
    final AtomicInteger disconnects = new AtomicInteger();
    final AtomicInteger slow = new AtomicInteger();
    /** The id of the latest start, which a client forgets when it stops. */
    String id;
    private final HubConnection connection;
    private final String transportName;
    private final Map<String, String> headers;
    private final Map<String, HubProxy> proxies = new ConcurrentHashMap<>();
    private final Map<String, BlockingQueue<String>> texts = new ConcurrentHashMap<>();
    private final BlockingQueue<List<JsonElement>> many = new LinkedBlockingQueue<>();
    private final BlockingQueue<Boolean> returns = new LinkedBlockingQueue<>();
    private final BlockingQueue<Boolean> ends = new LinkedBlockingQueue<>();
    private ClientTransport transport;
    private volatile Throwable error;

    Peer(String url, String transportName, Scene.Wish wish, Predicate<String> hears) {
        hubs = wish.hubs;
        headers = wish.headers;
        this.transportName = transportName;
        connection = new HubConnection(url, wish.query, false, new NullLogger());
        connection.stateChanged((before, now) -> {
            states.add(now);
            if (now == ConnectionState.Disconnected) {
                disconnects.incrementAndGet();
                ends.add(true);
            }
        });
        connection.reconnecting(reconnecting::incrementAndGet);
        connection.reconnected(() -> {
            reconnects.incrementAndGet();
            returns.add(true);
        });
        connection.connectionSlow(slow::incrementAndGet);
        connection.error(latest -> error = latest);
        for (var hub : hubs) {
            var proxy = connection.createHubProxy(hub);
            proxies.put(hub, proxy);
            texts.put(hub, new LinkedBlockingQueue<>());
            proxy.subscribe("received").addReceivedHandler(arguments -> {
                if (hears.test(arguments[0].getAsString())) texts.get(hub).add(arguments[0].getAsString());
            });
        }
        if (wish.hearsMany) proxies.get(hubs.get(0)).subscribe("many").addReceivedHandler(arguments -> many.add(Arrays.asList(arguments)));
    }

    /** The id that the client shows. */
    String shownId() {
        return connection.getConnectionId();
    }

    String usedTransport() {
        return transport.getName();
    }

    void start() throws Exception {
        var begun = begin();
        try {
            wait(begun, START_SECONDS, "neither started nor failed");
        } catch (InterruptedException cancelled) {
            // A start that fails is cancelled too, and it depends on who is first whether it tells why.
            throw begun.isCancelled() ? new IOException("the start was cancelled: " + error, error) : cancelled;
        }
    }

    SignalRFuture<Void> begin() {
        // It forgets them when it stops.
        headers.forEach(connection::addHeader);
        transport = switch (transportName) {
            case "webSockets" -> new WebsocketTransport(new NullLogger());
            case "serverSentEvents" -> new ServerSentEventsTransport(new NullLogger(), new PatientHttp());
            case "longPolling" -> new LongPollingTransport(new NullLogger(), new PatientHttp());
            default -> new AutomaticTransport(new NullLogger());
        };
        return connection.start(transport);
    }

    /** Starts, and takes note of the id. */
    Peer connect() throws Exception {
        start();
        id = shownId();
        Check.isTrue(id != null && !id.isEmpty(), "the client has no id");
        return this;
    }

    void stop() {
        connection.stop();
    }

    /** Ends it for good, in whatever state it is: one that is on its way back would not stop trying. */
    void abandon() {
        connection.setReconnectOnError(false);
        try {
            connection.stop();
        } catch (RuntimeException error) {
            connection.disconnect();
        }
    }

    HubProxy proxy(String hub) {
        return proxies.get(hub);
    }

    /** Calls a method of the first hub; null if there is no result. */
    JsonElement call(String method, Object... arguments) throws Exception {
        return callAt(hubs.get(0), method, arguments);
    }

    JsonElement callAt(String hub, String method, Object... arguments) throws Exception {
        return result(beginAt(hub, method, arguments), method);
    }

    SignalRFuture<JsonElement> beginCall(String method, Object... arguments) {
        return beginAt(hubs.get(0), method, arguments);
    }

    private SignalRFuture<JsonElement> beginAt(String hub, String method, Object... arguments) {
        return proxies.get(hub).invoke(JsonElement.class, method, arguments);
    }

    static JsonElement result(SignalRFuture<JsonElement> call, String method) throws Exception {
        return wait(call, CALL_SECONDS, method + " is not answered");
    }

    String text(String method, Object... arguments) throws Exception {
        return textAt(hubs.get(0), method, arguments);
    }

    String textAt(String hub, String method, Object... arguments) throws Exception {
        var result = callAt(hub, method, arguments);
        return result == null || result.isJsonNull() ? null : result.getAsString();
    }

    int number(String method, Object... arguments) throws Exception {
        return call(method, arguments).getAsInt();
    }

    /** The text of a hidden error of a method. */
    String hiddenError(String method) {
        return "There was an error invoking Hub method '" + hubs.get(0) + "." + method + "'.";
    }

    /** The next text that the first hub sent. */
    String next() throws InterruptedException {
        return next(hubs.get(0), SECONDS);
    }

    String next(String hub, int seconds) throws InterruptedException {
        return taken(texts.get(hub), seconds, "message of " + hub);
    }

    List<String> take(int count, int seconds) throws InterruptedException {
        var all = new ArrayList<String>();
        while (all.size() < count) all.add(next(hubs.get(0), seconds));
        return all;
    }

    /** How many texts of a hub were received and not taken. */
    int pending(String hub) {
        return texts.containsKey(hub) ? texts.get(hub).size() : 0;
    }

    int pending() {
        return pending(hubs.get(0));
    }

    /** The texts before the given one, which is taken too. */
    List<String> before(String mark) throws InterruptedException {
        var all = new ArrayList<String>();
        for (var text = next(); !text.equals(mark); text = next()) all.add(text);
        return all;
    }

    /** The arguments of the next call of {@code many}. */
    List<JsonElement> many() throws InterruptedException {
        return taken(many, SECONDS, "call of many");
    }

    /** Waits until the client says that it came back. */
    void returned() throws InterruptedException {
        var isBack = returns.poll(RETURN_SECONDS, TimeUnit.SECONDS) != null;
        Check.isTrue(isBack, "no reconnect within " + RETURN_SECONDS + " s; the client was " + states);
    }

    /** Waits until the client says that it is disconnected. */
    void ended(int seconds) throws InterruptedException {
        taken(ends, seconds, "end of the connection");
    }

    void ended() throws InterruptedException {
        ended(SECONDS);
    }

    /** The texts before the given one, or none if the client ends before. */
    Optional<List<String>> beforeUnlessEnded(String mark) throws InterruptedException {
        var all = new ArrayList<String>();
        for (var silent = 0; silent < SILENT_SECONDS; ) {
            var text = texts.get(hubs.get(0)).poll(1, TimeUnit.SECONDS);
            if (text == null && !ends.isEmpty()) return Optional.empty();
            if (mark.equals(text)) return Optional.of(all);
            if (text != null) all.add(text);
            silent = text == null ? silent + 1 : 0;
        }
        throw new Check.Failed("it neither ended nor got the last message");
    }

    boolean wasConnected() {
        return states.contains(ConnectionState.Connected);
    }

    private static <T> T taken(BlockingQueue<T> queue, int seconds, String what) throws InterruptedException {
        var item = queue.poll(seconds, TimeUnit.SECONDS);
        Check.isTrue(item != null, "no " + what + " within " + seconds + " s");
        return item;
    }

    private static <T> T wait(SignalRFuture<T> future, int seconds, String what) throws Exception {
        try {
            return future.get(seconds, TimeUnit.SECONDS);
        } catch (TimeoutException error) {
            throw new Check.Failed(what + " within " + seconds + " s");
        } catch (ExecutionException error) {
            throw error.getCause() instanceof Exception cause ? cause : error;
        }
    }
}
