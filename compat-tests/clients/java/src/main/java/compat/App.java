package compat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The app's HTTP endpoints. */
final class App {
    /** How long one step of a scenario may take, in seconds: shorter than a scenario's limit, so that a failure says which step it was. */
    static final int STEP = 6;

    /** Not a record: this version of Gson cannot fill one. */
    static final class Event {
        private int seq;
        private String event;
        private String connectionId;
        private String user;
        private String detail;

        String event() {
            return event;
        }

        String user() {
            return user;
        }

        String detail() {
            return detail;
        }
    }

    private final Gson gson = new Gson();
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build();
    final String url;
    final boolean serves;
    private final boolean detailed;

    App(String url) throws Exception {
        this.url = url.replaceAll("/+$", "");
        var info = gson.fromJson(request("GET", "/info", null), JsonObject.class);
        var option = info.getAsJsonObject("options").get("detailed");
        detailed = option != null && List.of("1", "true").contains(option.getAsString());
        serves = info.get("mode").getAsString().equals("self");
    }

    String request(String method, String path, Object body) throws Exception {
        var content = body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(gson.toJson(body));
        var request = HttpRequest.newBuilder(URI.create(url + path)).method(method, content).header("Content-Type", "application/json").timeout(Duration.ofSeconds(30)).build();
        var response = http.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        if (response.statusCode() != 200) throw new IOException(method + " " + path + ": " + response.statusCode());
        return response.body();
    }

    /** Where a hub is, and the token for it if that is elsewhere. */
    record Place(String url, String token) { }

    /** Asks the app where a hub is. */
    Place place(String hub) throws Exception {
        var here = url + "/" + hub;
        var answer = gson.fromJson(request("POST", "/" + hub + "/negotiate?negotiateVersion=1", null), JsonObject.class);
        if (!answer.has("url")) return new Place(here, null);
        return new Place(answer.get("url").getAsString(), answer.get("accessToken").getAsString());
    }

    /** An error text, with what the app adds to it under --detailed. */
    String detailed(String text, String detail) {
        return detailed ? text + " " + detail : text;
    }

    /** Waits until the events of a connection are as wanted. */
    List<Event> events(String connection, String what, Predicate<List<String>> enough) throws Exception {
        return events(connection, what, STEP, enough);
    }

    private List<Event> events(String connection, String what, int seconds, Predicate<List<String>> enough) throws Exception {
        var end = System.nanoTime() + seconds * 1_000_000_000L;
        var mine = new ArrayList<Event>();
        for (var seen = 0;;) {
            var left = Math.max(0, (end - System.nanoTime()) / 1_000_000);
            for (var event : gson.fromJson(request("GET", "/events?after=" + seen + "&wait=" + Math.min(left, 20_000), null), Event[].class)) {
                seen = event.seq;
                if (connection.equals(event.connectionId)) mine.add(event);
            }
            var names = mine.stream().map(Event::event).toList();
            if (enough.test(names)) return mine;
            Check.isTrue(left > 0, "the app does not report " + what + " within " + seconds + " s; it reports " + names);
        }
    }

    List<Event> reports(String connection, String name) throws Exception {
        return reports(connection, name, STEP);
    }

    private List<Event> reports(String connection, String name, int seconds) throws Exception {
        return events(connection, name, seconds, names -> names.contains(name));
    }

    /** Waits until the hub has seen the connection end, and makes sure that it saw it once. */
    void disconnected(String connection) throws Exception {
        disconnected(connection, STEP);
    }

    void disconnected(String connection, int seconds) throws Exception {
        reports(connection, "disconnected", seconds);
        // A second report would follow at once; a few round trips through the app are time enough.
        for (var i = 0; i < 3; i++) request("GET", "/connections", null);
        Check.equal(1L, reports(connection, "disconnected").stream().filter(e -> e.event.equals("disconnected")).count(), "the number of disconnected events");
    }

    void send(String to, List<String> ids, List<String> except, String text) throws Exception {
        request("POST", "/send", Map.of("to", to, "ids", ids, "except", except, "args", List.of(text)));
    }

    void abort(String connection) throws Exception {
        request("POST", "/abort?id=" + encoded(connection), null);
    }

    void member(String method, String group, String connection) throws Exception {
        request(method, "/groups/" + encoded(group) + "/" + encoded(connection), null);
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    static List<String> list(String... texts) {
        return Arrays.asList(texts);
    }
}
