package compat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Drives the client com.github.signalr4j:signalr4j. */
public final class LegacyMain {
    private static final String USAGE = "--url URL [--path PATH] [--transport webSockets|serverSentEvents|longPolling|auto] [--case TEXT]… [--classic] [--slow] [--parallel N] [--list]";
    private static final List<String> TRANSPORTS = List.of("webSockets", "serverSentEvents", "longPolling", "auto");
    private static final Set<String> FEATURES = Set.of("any-transport", "bearer", "connection-id", "contract", "cookies", "error-data", "headers", "query", "reconnect", "relay", "replay",
        "restart", "several-hubs", "state", "stop-told", "user");

    private LegacyMain() { }

    /** Runs the scenarios. */
    public static void main(String[] arguments) throws Exception {
        System.exit(drive(arguments));
    }

    private static int drive(String[] arguments) throws Exception {
        var given = new HashMap<>(Map.of("--path", "/signalr", "--transport", "webSockets", "--parallel", "4"));
        var cases = new ArrayList<String>();
        for (var i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--list", "--slow", "--classic" -> given.put(arguments[i], "");
                case "--url", "--path", "--transport", "--parallel" -> given.put(arguments[i], ++i < arguments.length ? arguments[i] : null);
                case "--case" -> cases.add(++i < arguments.length ? arguments[i] : "");
                default -> given.put("--url", null);
            }
        }
        var scenarios = Scenarios.all();
        var table = Table.read();
        var odd = Table.differences(table, scenarios);
        if (!odd.isEmpty()) throw new IllegalStateException("table and scenarios differ: " + odd);
        if (given.containsKey("--list")) {
            for (var row : table) System.out.println(row.name + (row.slow ? " (slow)" : ""));
            return 0;
        }
        var url = given.get("--url");
        var transport = TRANSPORTS.stream().filter(name -> name.equalsIgnoreCase(given.get("--transport"))).findFirst();
        if (url == null || transport.isEmpty()) {
            System.err.println(USAGE);
            return 2;
        }
        var server = new Server(url.replaceAll("/+$", ""), given.get("--path"), transport.get());
        try {
            server.look();
        } catch (IOException error) {
            System.err.println("no server answers at " + url + given.get("--path") + ": " + error);
            return 2;
        }
        var features = new HashSet<>(FEATURES);
        if (given.containsKey("--classic")) features.add("classic");
        var chosen = table.stream().filter(row -> (!row.slow || given.containsKey("--slow")) && (cases.isEmpty() || cases.stream().anyMatch(row.name::contains))).toList();
        var runner = new Runner();
        // The long ones first, so that none is left to run by itself at the end.
        runner.run(jobs(chosen.stream().filter(row -> !row.alone).sorted((a, b) -> b.limit - a.limit).toList(), features, server), Integer.parseInt(given.get("--parallel")));
        runner.run(jobs(chosen.stream().filter(row -> row.alone).toList(), features, server), 1);
        return runner.report();
    }

    private static List<Runner.Job> jobs(List<Table.Row> rows, Set<String> features, Server server) {
        return rows.stream().map(row -> {
            var missing = row.needs.stream().filter(need -> !features.contains(need)).toList();
            var lacks = missing.isEmpty() ? null : "this client has no " + String.join(", no ", missing) + " here";
            return new Runner.Job(row.name, row.limit, lacks, () -> new Playing(Scenarios.all().get(row.name), new Scene(server)));
        }).toList();
    }

    private record Playing(Scenarios.Body body, Scene scene) implements Runner.Run {
        @Override
        public void run() throws Exception {
            body.run(scene);
        }

        @Override
        public void close() {
            scene.close();
        }
    }

    /** What is driven against, and how. */
    record Server(String url, String path, String transport) {
        private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

        void look() throws IOException, InterruptedException {
            var status = HTTP.send(HttpRequest.newBuilder(URI.create(url + path + "/negotiate")).build(), HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status != 200) throw new IOException("the status of negotiate is " + status);
        }

        /** A request to one of its control endpoints. */
        void post(String target) throws IOException, InterruptedException {
            var request = HttpRequest.newBuilder(URI.create(url + target)).POST(HttpRequest.BodyPublishers.noBody()).build();
            Check.equal(200, HTTP.send(request, HttpResponse.BodyHandlers.discarding()).statusCode(), "the status of POST " + target);
        }
    }
}
