package compat;

import com.github.signalr4j.client.NullLogger;
import com.github.signalr4j.client.http.HttpConnectionFuture;
import com.github.signalr4j.client.http.HttpConnectionFuture.ResponseCallback;
import com.github.signalr4j.client.http.Request;
import com.github.signalr4j.client.http.java.JavaHttpConnection;
import java.util.regex.Pattern;

/**
 * The library's own HTTP, which holds back the first answer of a channel: the transports know what waits for it only when
 * they have sent the request, and one that comes before ends the start, or the polls after it.
 */
final class PatientHttp extends JavaHttpConnection {
    private static final Pattern CHANNEL = Pattern.compile("/(re)?connect\\?");
    private static final int BEFORE_ANSWER_MS = 50;

    PatientHttp() {
        super(new NullLogger());
    }

    @Override
    public HttpConnectionFuture execute(Request request, ResponseCallback callback) {
        if (!CHANNEL.matcher(request.getUrl()).find()) return super.execute(request, callback);
        return super.execute(request, response -> {
            Thread.sleep(BEFORE_ANSWER_MS);
            callback.onResponse(response);
        });
    }
}
