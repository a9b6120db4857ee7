package compat;

import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.plugins.RxJavaPlugins;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** Drives the client com.microsoft.signalr:signalr. */
public final class Main {
    private static final String USAGE = "--url URL [--transport WebSockets|LongPolling] [--protocol json] [--case TEXT] [--slow] [--list]";

    private Main() { }

    /** Runs the scenarios. */
    public static void main(String[] arguments) {
        // What fails after nobody waits for it any more is not a failure of the next scenario.
        RxJavaPlugins.setErrorHandler(error -> { });
        System.exit(drive(arguments));
    }

    private static int drive(String[] arguments) {
        var scenarios = Stream.of(CallScenarios.ALL, SendScenarios.ALL, StreamScenarios.ALL, LifeScenarios.ALL).flatMap(List::stream).toList();
        var given = new HashMap<>(Map.of("--transport", "WebSockets", "--protocol", "json", "--case", ""));
        for (var i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--list", "--slow" -> given.put(arguments[i], "");
                case "--url", "--transport", "--protocol", "--case" -> given.put(arguments[i], ++i < arguments.length ? arguments[i] : null);
                default -> given.put("--url", null);
            }
        }
        if (given.containsKey("--list")) {
            for (var one : scenarios) System.out.println(one.name() + (one.slow() ? " (slow)" : ""));
            return 0;
        }
        var transport = Map.of("WebSockets", TransportEnum.WEBSOCKETS, "LongPolling", TransportEnum.LONG_POLLING).get(String.valueOf(given.get("--transport")));
        if (given.get("--url") == null || transport == null || !"json".equals(given.get("--protocol")) || given.get("--case") == null) {
            System.err.println(USAGE);
            return 2;
        }
        App app;
        try {
            app = new App(given.get("--url"));
        } catch (Exception error) {
            System.err.println("no app answers at " + given.get("--url") + ": " + error);
            return 2;
        }
        var counts = new HashMap<String, Integer>();
        for (var one : scenarios) {
            if (one.name().contains(given.get("--case")) && (!one.slow() || given.containsKey("--slow"))) counts.merge(play(one, new Scene(app, transport)), 1, Integer::sum);
        }
        System.out.printf("%d passed, %d failed, %d skipped%n", counts.getOrDefault("ok", 0), counts.getOrDefault("FAIL", 0), counts.getOrDefault("skip", 0));
        return counts.containsKey("FAIL") ? 1 : 0;
    }

    /** Runs one scenario and prints its line. */
    private static String play(Scenario one, Scene scene) {
        var started = System.nanoTime();
        var outcome = one.lacks() == null ? "ok" : "skip";
        var why = one.lacks();
        if (why == null) {
            try {
                run(one, scene).get(one.limit(), TimeUnit.SECONDS);
            } catch (TimeoutException error) {
                outcome = "FAIL";
                why = "not finished within " + one.limit() + " s";
            } catch (Exception error) {
                var cause = error.getCause() == null ? error : error.getCause();
                outcome = cause instanceof Check.Skipped ? "skip" : "FAIL";
                why = cause instanceof Check.Failed || cause instanceof Check.Skipped ? cause.getMessage() : cause.toString();
            }
        }
        scene.close();
        // One line each, whatever an error text holds.
        System.out.println(outcome.equals("ok") ? "ok " + one.name() + " [" + (System.nanoTime() - started) / 1_000_000 + " ms]"
            : outcome + " " + one.name() + ": " + why.replace('\n', ' ').replace('\r', ' '));
        return outcome;
    }

    private static CompletableFuture<Void> run(Scenario one, Scene scene) {
        var done = new CompletableFuture<Void>();
        var thread = new Thread(() -> {
            try {
                one.run().run(scene);
                done.complete(null);
            } catch (Throwable error) {
                done.completeExceptionally(error);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return done;
    }
}
