package compat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/** A TCP relay to one address that cuts its links below HTTP. */
final class Relay implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<Socket> links = new ArrayList<>();
    private final URI target;
    private boolean isDown;

    Relay(String url) throws IOException {
        target = URI.create(url);
        inBackground(this::serve);
    }

    /** The way through the relay to the address. */
    String url() {
        return target.toString().replaceFirst("//[^/]*", "//127.0.0.1:" + server.getLocalPort());
    }

    /** Resets all links and turns new ones away, for good. */
    synchronized void cut() {
        isDown = true;
        links.forEach(Relay::reset);
    }

    @Override
    public void close() throws IOException {
        server.close();
        cut();
    }

    private void serve() throws IOException {
        while (true) join(server.accept());
    }

    private synchronized void join(Socket near) throws IOException {
        if (isDown) {
            reset(near);
            return;
        }
        var far = new Socket(target.getHost(), target.getPort());
        links.add(near);
        links.add(far);
        inBackground(() -> pass(near, far));
        inBackground(() -> pass(far, near));
    }

    private static void pass(Socket from, Socket to) throws IOException {
        try (to) {
            from.getInputStream().transferTo(to.getOutputStream());
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
        void run() throws IOException;
    }

    private static void inBackground(Work work) {
        var thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException error) {
                // Ends with what it worked on.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
