package compat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/** A TCP relay to one address. Links can be cut below HTTP, at once or inside a message, or stalled, and new ones turned away for a while. */
final class Relay implements AutoCloseable {
    // How a request begins, and those of ASP.NET SignalR whose answers carry messages from the server.
    private static final Pattern REQUEST = Pattern.compile("^[A-Z]{3,7} (/\\S*)");
    private static final Pattern CHANNEL = Pattern.compile("/(connect|reconnect|poll)\\?");
    private static final int CHUNK = 65_536;
    private static final int BEFORE_REFUSAL_MS = 100;
    // Long enough that a request which Java sends again by itself is refused too.
    private static final int REFUSING_MS = 400;

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> links = new HashSet<>();
    private final URI target;
    private long downUntil = System.nanoTime();
    private boolean isStalled;
    private int longestTarget;
    // After how many bytes to a client its channel is cut.
    private int armed = Integer.MAX_VALUE;
    private CompletableFuture<Void> armedCut;

    Relay(String url) throws IOException {
        target = URI.create(url);
        inBackground(() -> {
            while (true) join(server.accept());
        });
    }

    /** The way through the relay to the address. */
    String url() {
        return target.toString().replaceFirst("//[^/]*", "//127.0.0.1:" + server.getLocalPort());
    }

    /** Resets all links, for good: new ones are never answered. */
    void cut() {
        cut(TimeUnit.DAYS.toMillis(1));
    }

    /** Resets all links, and for some time those that are new. */
    synchronized void cut(long milliseconds) {
        downUntil = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
        links.forEach(Relay::reset);
        links.clear();
    }

    /** Cuts the link of a client's channel after that many further bytes to it. */
    synchronized void armCut(int bytes) {
        armed = bytes;
        armedCut = new CompletableFuture<>();
    }

    /** Whether the cut that was armed last is done, within this time at the latest. */
    boolean isCut(long milliseconds) throws Exception {
        CompletableFuture<Void> cut;
        synchronized (this) {
            cut = armedCut;
        }
        try {
            cut.get(milliseconds, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException error) {
            return false;
        }
    }

    /** Reads no more of what the server sends, as a receiver does that is too slow. */
    synchronized void stall() {
        isStalled = true;
    }

    synchronized void resume() {
        isStalled = false;
        notifyAll();
    }

    /** The length of the longest request target so far. */
    synchronized int longestTarget() {
        return longestTarget;
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException error) {
            // It is closed already.
        }
        cut();
        resume();
    }

    private void join(Socket near) {
        inBackground(() -> {
            if (downFor() > 0) {
                awaitRefusal();
                reset(near);
                return;
            }
            var far = new Socket(target.getHost(), target.getPort());
            near.setTcpNoDelay(true);
            far.setTcpNoDelay(true);
            keep(near, far);
            new Link(near, far).pass();
        });
    }

    /** A client may try again without a pause, or twice as often after each refusal, so most wait until the time is nearly over. */
    private void awaitRefusal() throws InterruptedException {
        Thread.sleep(Math.max(BEFORE_REFUSAL_MS, TimeUnit.NANOSECONDS.toMillis(downFor()) - REFUSING_MS));
    }

    /** How many nanoseconds new links are still turned away. */
    private synchronized long downFor() {
        return Math.max(0, downUntil - System.nanoTime());
    }

    private synchronized void keep(Socket near, Socket far) {
        links.add(near);
        links.add(far);
        if (downFor() > 0) {
            reset(near);
            reset(far);
        }
    }

    private synchronized void awaitFlow() throws InterruptedException {
        while (isStalled) wait();
    }

    /** Notes the target of a request, and tells whether its answer is a channel. */
    private synchronized boolean requested(String what) {
        longestTarget = Math.max(longestTarget, what.length());
        return CHANNEL.matcher(what).find();
    }

    /** How many of these bytes to a client come before its cut, or -1 if it is not due. */
    private synchronized int beforeCut(int length) {
        if (armed > length) {
            if (armed != Integer.MAX_VALUE) armed -= length;
            return -1;
        }
        var before = armed;
        armed = Integer.MAX_VALUE;
        return before;
    }

    /** One connection through the relay. */
    private final class Link {
        private final Socket near;
        private final Socket far;
        // Whether the latest request opened a channel for what the server sends.
        private volatile boolean isChannel;

        Link(Socket near, Socket far) {
            this.near = near;
            this.far = far;
        }

        void pass() throws IOException, InterruptedException {
            inBackground(this::down);
            try (far) {
                var chunk = new byte[CHUNK];
                for (int length; (length = near.getInputStream().read(chunk)) >= 0;) {
                    var request = REQUEST.matcher(new String(chunk, 0, length, StandardCharsets.ISO_8859_1));
                    if (request.find()) isChannel = requested(request.group(1));
                    far.getOutputStream().write(chunk, 0, length);
                }
            }
        }

        private void down() throws IOException, InterruptedException {
            try (near) {
                var chunk = new byte[CHUNK];
                for (int length; (length = far.getInputStream().read(chunk)) >= 0;) {
                    awaitFlow();
                    var before = isChannel ? beforeCut(length) : -1;
                    near.getOutputStream().write(chunk, 0, before < 0 ? length : before);
                    if (before >= 0) {
                        // The receiver gets exactly the bytes up to the cut, so no reset for it.
                        reset(far);
                        near.close();
                        armedCut.complete(null);
                        return;
                    }
                }
            }
        }
    }

    /** Both sides see a reset; what is on its way is lost. */
    private static void reset(Socket link) {
        try {
            link.setSoLinger(true, 0);
            link.close();
        } catch (IOException error) {
            // It is closed already.
        }
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private static void inBackground(Work work) {
        var thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException | InterruptedException error) {
                // Ends with what it worked on.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
