package compat;

import static compat.Check.equal;
import static compat.Check.isTrue;
import static compat.Check.refusal;
import static compat.Check.refused;

import com.github.signalr4j.client.hubs.HubException;
import java.util.List;
import java.util.Map;

/** Errors. */
final class ErrorScenarios {
    static final Map<String, Scenarios.Body> ALL = Map.of(
        "error-exception", ErrorScenarios::exception,
        "error-hub-exception", ErrorScenarios::hubException,
        "error-hub-exception-data", ErrorScenarios::hubExceptionData,
        "error-unknown-method", ErrorScenarios::unknownMethod,
        "error-argument-count", ErrorScenarios::argumentCount,
        "error-argument-type", ErrorScenarios::argumentType,
        "error-unknown-hub", ErrorScenarios::unknownHub);

    private ErrorScenarios() { }

    private static void exception(Scene scene) throws Exception {
        var peer = scene.connect();
        for (var method : List.of("Throw", "tHROW")) isHidden(peer, method, "a secret");
        livesOn(peer);
    }

    private static void hubException(Scene scene) throws Exception {
        var peer = scene.connect();
        refused("shown \"é\" <b>", () -> peer.call("ThrowHub", "shown \"é\" <b>"));
        livesOn(peer);
    }

    private static void hubExceptionData(Scene scene) throws Exception {
        var peer = scene.connect();
        var error = refusal(() -> peer.call("ThrowHubData", "shown", "code", "42"));
        equal("shown", error.getMessage(), "the error");
        equal(Map.of("code", "42"), error instanceof HubException hub ? hub.getErrorData() : "of another kind", "its data");
        var other = refusal(() -> peer.call("ThrowHub", "without"));
        equal(null, other instanceof HubException hub ? hub.getErrorData() : "of another kind", "the data of an error without any");
        isTrue(!(refusal(() -> peer.call("Throw", "x")) instanceof HubException), "an ordinary error has the kind of a HubException");
        livesOn(peer);
    }

    private static void unknownMethod(Scene scene) throws Exception {
        var peer = scene.connect();
        isHidden(peer, "ThisDoesNotExist", 1);
        livesOn(peer);
    }

    private static void argumentCount(Scene scene) throws Exception {
        var peer = scene.connect();
        isHidden(peer, "Add", 1);
        isHidden(peer, "Add", 1, 2, 3);
        isHidden(peer, "Void", 1);
        livesOn(peer);
    }

    private static void argumentType(Scene scene) throws Exception {
        var peer = scene.connect();
        isHidden(peer, "Add", "one", 2);
        isHidden(peer, "Add", List.of(1), Map.of());
        isHidden(peer, "EchoPerson", List.of(1));
        livesOn(peer);
    }

    private static void unknownHub(Scene scene) throws Exception {
        for (var hubs : List.of(new String[] {"nowhere"}, new String[] {"conformance", "nowhere"})) {
            var peer = scene.make(Scene.Wish.hubs(hubs));
            refusal(() -> {
                peer.start();
                return "a start";
            });
            isTrue(!peer.wasConnected(), "the client says that it is connected");
        }
    }

    private static void isHidden(Peer peer, String method, Object... arguments) throws Exception {
        refused(peer.hiddenError(method), () -> peer.call(method, arguments));
    }

    private static void livesOn(Peer peer) throws Exception {
        equal("after", peer.text("Echo", "after"), "the result");
    }
}
