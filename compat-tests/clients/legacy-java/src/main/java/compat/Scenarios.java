package compat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** All scenarios, by their names in compat-tests/legacy-scenarios.toml. */
final class Scenarios {
    interface Body {
        void run(Scene scene) throws Exception;
    }

    /** Those that this client cannot do by nature: the table says what they need. */
    private static final List<String> LACKING = List.of("connect-no-hub", "call-unlisted-hub", "call-progress", "call-progress-at-once", "error-call-of-unknown-hub", "unload-told", "unload-untold");

    private Scenarios() { }

    static Map<String, Body> all() {
        var all = new HashMap<String, Body>();
        for (var some : List.of(ConnectScenarios.ALL, StopScenarios.ALL, CallScenarios.ALL, ErrorScenarios.ALL, CallbackScenarios.ALL, SendScenarios.ALL, GroupScenarios.ALL,
            IdentityScenarios.ALL, ReconnectScenarios.ALL)) all.putAll(some);
        for (var name : LACKING) {
            all.put(name, scene -> {
                throw new Check.Failed("the driver has not got it");
            });
        }
        return all;
    }
}
