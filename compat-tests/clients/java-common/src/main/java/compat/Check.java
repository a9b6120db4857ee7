package compat;

import java.util.Objects;

/** Checks; what does not hold ends the scenario. */
final class Check {
    private Check() { }

    /** The client or the server did something else than expected. */
    static final class Failed extends RuntimeException {
        Failed(String what) {
            super(what);
        }
    }

    /** Cannot be done here by nature. */
    static final class Skipped extends RuntimeException {
        Skipped(String why) {
            super(why);
        }
    }

    interface Action {
        Object run() throws Exception;
    }

    static void equal(Object wanted, Object got, String what) {
        if (!Objects.equals(wanted, got)) throw new Failed(what + ": expected " + shown(wanted) + ", got " + shown(got));
    }

    static void isTrue(boolean condition, String what) {
        if (!condition) throw new Failed(what);
    }

    /** The error with which the action must fail. */
    static Exception refusal(Action action) throws Exception {
        Object answer;
        try {
            answer = action.run();
        } catch (Failed error) {
            throw error;
        } catch (Exception error) {
            return error;
        }
        throw new Failed("no error, but " + shown(answer));
    }

    /** The call must fail with this text. */
    static void refused(String text, Action action) throws Exception {
        equal(text, refusal(action).getMessage(), "the error");
    }

    private static String shown(Object value) {
        var text = String.valueOf(value);
        return text.length() <= 160 ? text : text.substring(0, 100) + "… (" + text.length() + " characters)";
    }
}
