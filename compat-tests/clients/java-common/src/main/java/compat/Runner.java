package compat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Runs scenarios and reports each as it ends. */
final class Runner {
    /** One run of a scenario; closing it ends what it began. */
    interface Run extends AutoCloseable {
        void run() throws Exception;

        @Override
        void close();
    }

    /** A scenario with its limit in seconds; {@code lacks} says why this client cannot do it by nature. */
    record Job(String name, int limit, String lacks, Supplier<Run> open) { }

    private final Map<String, Integer> counts = new HashMap<>();

    /** Runs some of them at a time, in their order. */
    void run(Collection<Job> jobs, int atATime) throws InterruptedException {
        var waiting = new ConcurrentLinkedQueue<>(jobs);
        var workers = new ArrayList<Thread>();
        for (var i = 0; i < atATime; i++) {
            var worker = new Thread(() -> {
                for (var job = waiting.poll(); job != null; job = waiting.poll()) play(job);
            });
            workers.add(worker);
            worker.start();
        }
        for (var worker : workers) worker.join();
    }

    /** Prints the last line; the exit code of the program. */
    int report() {
        System.out.printf("%d passed, %d failed, %d skipped%n", counts.getOrDefault("ok", 0), counts.getOrDefault("FAIL", 0), counts.getOrDefault("skip", 0));
        return counts.containsKey("FAIL") ? 1 : 0;
    }

    private void play(Job job) {
        var started = System.nanoTime();
        var outcome = job.lacks == null ? "ok" : "skip";
        var why = job.lacks;
        if (why == null) {
            var run = job.open.get();
            try {
                begin(run).get(job.limit, TimeUnit.SECONDS);
            } catch (TimeoutException error) {
                outcome = "FAIL";
                why = "not finished within " + job.limit + " s";
            } catch (Exception error) {
                var cause = error.getCause() == null ? error : error.getCause();
                outcome = cause instanceof Check.Skipped ? "skip" : "FAIL";
                why = cause instanceof Check.Failed || cause instanceof Check.Skipped ? cause.getMessage() : cause.toString();
            }
            run.close();
        }
        // One line each, whatever an error text holds.
        var line = outcome.equals("ok") ? "ok " + job.name + " [" + (System.nanoTime() - started) / 1_000_000 + " ms]"
            : outcome + " " + job.name + ": " + why.replace('\n', ' ').replace('\r', ' ');
        synchronized (counts) {
            System.out.println(line);
            counts.merge(outcome, 1, Integer::sum);
        }
    }

    private static CompletableFuture<Void> begin(Run run) {
        var done = new CompletableFuture<Void>();
        var thread = new Thread(() -> {
            try {
                run.run();
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
