package compat;

/** One scenario, by its name in compat-tests/scenarios.toml; {@code lacks} says why this client cannot do it by nature. */
record Scenario(String name, int limit, boolean slow, String lacks, Body run) {
    interface Body {
        void run(Scene scene) throws Exception;
    }

    static Scenario of(String name, Body run) {
        return new Scenario(name, 10, false, null, run);
    }

    static Scenario of(String name, int limit, Body run) {
        return new Scenario(name, limit, false, null, run);
    }

    static Scenario slow(String name, int limit, Body run) {
        return new Scenario(name, limit, true, null, run);
    }

    static Scenario lacking(String name, String why) {
        return new Scenario(name, 10, false, why, scene -> { });
    }
}
