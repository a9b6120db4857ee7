package compat;

import com.microsoft.signalr.TransportEnum;
import io.reactivex.rxjava3.plugins.RxJavaPlugins;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
        var chosen = scenarios.stream()
            .filter(one -> one.name().contains(given.get("--case")) && (!one.slow() || given.containsKey("--slow")))
            .map(one -> new Runner.Job(one.name(), one.limit(), one.lacks(), () -> new Playing(one, new Scene(app, transport))));
        var runner = new Runner();
        try {
            runner.run(chosen.toList(), 1);
        } catch (InterruptedException error) {
            return 2;
        }
        return runner.report();
    }

    private record Playing(Scenario one, Scene scene) implements Runner.Run {
        @Override
        public void run() throws Exception {
            one.run().run(scene);
        }

        @Override
        public void close() {
            scene.close();
        }
    }
}
