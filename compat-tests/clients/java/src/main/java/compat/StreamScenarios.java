package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;
import static compat.Check.refused;

import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.subjects.ReplaySubject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Streams down and up. */
final class StreamScenarios {
    private static final String NO_RESULTS = "this version of the client cannot answer the hub";

    static final List<Scenario> ALL = List.of(
        Scenario.of("stream-items", StreamScenarios::items),
        Scenario.of("stream-empty", StreamScenarios::empty),
        Scenario.of("stream-error", StreamScenarios::error),
        Scenario.of("stream-as-it-comes", StreamScenarios::asItComes),
        Scenario.of("stream-several-at-once", StreamScenarios::severalAtOnce),
        Scenario.of("stream-cancel", StreamScenarios::cancel),
        Scenario.of("stream-ends-with-client", StreamScenarios::endsWithClient),
        Scenario.of("upload-concat", StreamScenarios::uploadConcat),
        Scenario.of("upload-sum", StreamScenarios::uploadSum),
        Scenario.of("upload-events", StreamScenarios::uploadEvents),
        Scenario.of("upload-step-by-step", 30, StreamScenarios::uploadStepByStep),
        Scenario.of("upload-error", StreamScenarios::uploadError),
        Scenario.of("upload-ends-with-client", StreamScenarios::uploadEndsWithClient),
        Scenario.of("upload-both-ways", StreamScenarios::uploadBothWays),
        Scenario.lacking("ask-caller", NO_RESULTS),
        Scenario.lacking("ask-other", NO_RESULTS),
        Scenario.lacking("ask-from-outside", NO_RESULTS),
        Scenario.lacking("ask-error", NO_RESULTS),
        Scenario.lacking("ask-no-handler", NO_RESULTS),
        Scenario.lacking("ask-no-answer", NO_RESULTS),
        Scenario.lacking("ask-unknown-connection", NO_RESULTS));

    private StreamScenarios() { }

    private static List<Integer> numbers(int count) {
        var numbers = new ArrayList<Integer>();
        for (var i = 0; i < count; i++) numbers.add(i);
        return numbers;
    }

    private static void items(Scene scene) {
        var peer = scene.connect();
        equal(List.of("a", "b", "c"), peer.stream(String.class, "Stream"), "the items");
        equal(numbers(1000), peer.stream(Integer.class, "Counter", 1000, 0), "the numbers");
    }

    private static void empty(Scene scene) {
        var peer = scene.connect();
        equal(List.of(), peer.stream(String.class, "EmptyStream"), "the items");
        equal(List.of(), peer.stream(Integer.class, "Counter", 0, 0), "the numbers");
    }

    private static void error(Scene scene) throws Exception {
        var peer = scene.connect();
        refused(scene.app.detailed("An error occurred on the server while streaming results.", "Exception: oh"), () -> peer.stream(String.class, "StreamThrowException", "oh"));
        equal("alive", peer.text("Echo", "alive"), "the answer");
    }

    private static void asItComes(Scene scene) throws Exception {
        var peer = scene.connect();
        var came = new LinkedBlockingQueue<Integer>();
        var stream = peer.hub.stream(Integer.class, "Counter", 4, 700);
        stream.subscribe(came::add, error -> { });
        equal(0, came.poll(2, TimeUnit.SECONDS), "the first item");
        equal("meanwhile", peer.text("Echo", "meanwhile"), "the answer");
        equal(numbers(4), Peer.items(stream, "Counter"), "the items");
    }

    private static void severalAtOnce(Scene scene) {
        var peer = scene.connect();
        var streams = new ArrayList<Observable<Integer>>();
        for (var n = 1; n <= 4; n++) streams.add(peer.hub.stream(Integer.class, "Counter", n * 20, 2));
        for (var n = 1; n <= 4; n++) equal(numbers(n * 20), Peer.items(streams.get(n - 1), "Counter"), "stream " + n);
    }

    private static void cancel(Scene scene) throws Exception {
        var peer = scene.connect();
        var came = new CountDownLatch(3);
        var stream = peer.hub.stream(String.class, "InfiniteStream").subscribe(item -> came.countDown(), error -> { });
        isTrue(came.await(App.STEP, TimeUnit.SECONDS), "the stream sends nothing");
        stream.dispose();
        scene.app.reports(peer.id, "stream-ended");
        equal("alive", peer.text("Echo", "alive"), "the answer");
    }

    private static void endsWithClient(Scene scene) throws Exception {
        var peer = scene.connect();
        var came = new CountDownLatch(1);
        peer.hub.stream(String.class, "InfiniteStream").subscribe(item -> came.countDown(), error -> { });
        isTrue(came.await(App.STEP, TimeUnit.SECONDS), "the stream sends nothing");
        peer.stop();
        scene.app.reports(peer.id, "stream-ended");
    }

    private static void uploadConcat(Scene scene) {
        var peer = scene.connect();
        var upload = ReplaySubject.<String>create();
        var answer = peer.hub.invoke(String.class, "StreamingConcat", upload).cache();
        var early = answer.test();
        for (var text : List.of("one", "", "😀", "three")) upload.onNext(text);
        equal("meanwhile", peer.text("Echo", "meanwhile"), "the answer");
        early.assertNotComplete();
        upload.onComplete();
        equal("one😀three", answer.timeout(App.STEP, TimeUnit.SECONDS).blockingGet(), "the answer");
    }

    private static void uploadSum(Scene scene) {
        equal(499_500, scene.connect().call(Integer.class, "Sum", Observable.fromIterable(numbers(1000))), "the sum");
    }

    private static void uploadEvents(Scene scene) throws Exception {
        var peer = scene.connect();
        var texts = new ArrayList<>(List.of("", "😀"));
        for (var i = 0; i < 50; i++) texts.add(scene.name("item"));
        peer.run("UploadToNote", Observable.fromIterable(texts));
        var events = scene.app.reports(peer.id, "upload-ended");
        equal(texts, events.stream().filter(e -> e.event().equals("upload")).map(App.Event::detail).toList(), "the items");
    }

    // Long polling posts what is sent together in any order; what is sent after the hub saw what came before has an order.
    private static void uploadStepByStep(Scene scene) throws Exception {
        var peer = scene.connect();
        var upload = ReplaySubject.<String>create();
        peer.hub.invoke("UploadToNote", upload).onErrorComplete().subscribe();
        for (var i = 0; i < 3; i++) equal("begun", peer.text("Echo", "begun"), "the answer");
        var texts = List.of("one", "", "😀", "four", "five");
        for (var text : texts) {
            upload.onNext(text);
            var count = texts.indexOf(text) + 1;
            scene.app.events(peer.id, "item " + count, names -> names.stream().filter("upload"::equals).count() == count);
        }
        upload.onComplete();
        var events = scene.app.reports(peer.id, "upload-ended");
        equal(texts, events.stream().filter(e -> e.event().equals("upload")).map(App.Event::detail).toList(), "the items");
    }

    private static void uploadError(Scene scene) throws Exception {
        var peer = scene.connect();
        peer.run("UploadToNote", Observable.concat(Observable.just("before"), Observable.error(new IllegalStateException("out of paper"))));
        var events = scene.app.reports(peer.id, "upload-failed");
        equal(List.of("before"), events.stream().filter(e -> e.event().equals("upload")).map(App.Event::detail).toList(), "what was uploaded before");
        var detail = events.get(events.size() - 1).detail();
        isTrue(detail.contains("out of paper"), "the hub was told: " + detail);
    }

    private static void uploadEndsWithClient(Scene scene) throws Exception {
        var peer = scene.connect();
        var upload = ReplaySubject.<String>create();
        peer.hub.invoke("UploadToNote", upload).onErrorComplete().subscribe();
        upload.onNext("one");
        scene.app.reports(peer.id, "upload");
        peer.stop();
        scene.app.events(peer.id, "an end of the upload", names -> names.contains("upload-failed") || names.contains("upload-ended"));
    }

    private static void uploadBothWays(Scene scene) throws Exception {
        var peer = scene.connect();
        var upload = ReplaySubject.<String>create();
        var came = new LinkedBlockingQueue<String>();
        var stream = peer.hub.stream(String.class, "EchoStream", upload);
        stream.subscribe(came::add, error -> { });
        for (var text : List.of("ping", "pong")) {
            upload.onNext(text);
            equal(text, came.poll(App.STEP, TimeUnit.SECONDS), "the item");
        }
        upload.onComplete();
        equal(List.of("ping", "pong"), Peer.items(stream, "EchoStream"), "the items");
    }
}
