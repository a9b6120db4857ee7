package compat;

import com.microsoft.signalr.HubConnection;
import io.reactivex.rxjava3.core.Observable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** One client, and what it was told. */
final class Peer {
    private static final int STEP = App.STEP;

    final HubConnection hub;
    final BlockingQueue<String> texts = new LinkedBlockingQueue<>();
    final BlockingQueue<String> closes = new LinkedBlockingQueue<>();
    final AtomicInteger closings = new AtomicInteger();
    String id;

    Peer(HubConnection hub, Predicate<String> hears) {
        this.hub = hub;
        for (var target : List.of("Message", "m")) {
            hub.on(target, text -> {
                if (hears.test(text)) texts.add(text);
            }, String.class);
        }
        hub.onClosed(error -> {
            closings.incrementAndGet();
            closes.add(error == null ? "" : String.valueOf(error.getMessage()));
        });
    }

    void start() {
        if (!hub.start().blockingAwait(STEP, TimeUnit.SECONDS)) throw new Check.Failed("not connected within " + STEP + " s");
    }

    void stop() {
        if (!hub.stop().blockingAwait(STEP, TimeUnit.SECONDS)) throw new Check.Failed("not stopped within " + STEP + " s");
    }

    /** Waits for the close; the error's text, empty if there was none. */
    String closed() throws InterruptedException {
        var error = closes.poll(STEP, TimeUnit.SECONDS);
        Check.isTrue(error != null, "the client does not notice the end");
        return error;
    }

    Object run(String method, Object... arguments) {
        Check.isTrue(hub.invoke(method, arguments).blockingAwait(STEP, TimeUnit.SECONDS), method + " is not answered within " + STEP + " s");
        return null;
    }

    <T> T call(Class<T> type, String method, Object... arguments) {
        try {
            return hub.invoke(type, method, arguments).timeout(STEP, TimeUnit.SECONDS).blockingGet();
        } catch (RuntimeException error) {
            throw timed(error, method + " is not answered");
        }
    }

    String text(String method, Object... arguments) {
        return call(String.class, method, arguments);
    }

    <T> List<T> stream(Class<T> type, String method, Object... arguments) {
        return items(hub.stream(type, method, arguments), method);
    }

    static <T> List<T> items(Observable<T> stream, String what) {
        try {
            return stream.timeout(STEP, TimeUnit.SECONDS).toList().blockingGet();
        } catch (RuntimeException error) {
            throw timed(error, "the stream " + what + " does not end");
        }
    }

    static RuntimeException timed(RuntimeException error, String what) {
        return error.getCause() instanceof TimeoutException ? new Check.Failed(what + " within " + STEP + " s") : error;
    }

    String next() throws InterruptedException {
        var text = texts.poll(STEP, TimeUnit.SECONDS);
        Check.isTrue(text != null, "no message within " + STEP + " s");
        return text;
    }

    /** What comes before a marker. */
    List<String> before(String marker) throws InterruptedException {
        var before = new ArrayList<String>();
        for (var text = next(); !text.equals(marker); text = next()) before.add(text);
        return before;
    }
}
