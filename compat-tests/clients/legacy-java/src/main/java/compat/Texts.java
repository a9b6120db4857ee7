package compat;

import java.util.List;
import java.util.stream.IntStream;

/** Texts to send. */
final class Texts {
    /** Those that something between hub and program may get wrong. */
    static final List<String> ODD = List.of(
        "", " ", "plain", "\"quoted\" 'single' back\\slash / slash", "<b>&amp;</b> <script>alert(1)</script>", "null", "{\"C\":\"d-1\",\"S\":1,\"M\":[]}",
        "héllo 你好 😀 👩‍👩‍👧", "next line \u0085 line \u2028 paragraph \u2029 mark \ufeff nothing \u200b", "tab\tnew\nline\r\nend", "control \0\u0001\u001e\u001f\u007f",
        "data: x\n\nevent: y\n\n: comment", "a+b %20 %2B &c=d ; ? #");

    private Texts() { }

    static List<String> numbered(String prefix, int count) {
        return IntStream.range(0, count).mapToObj(i -> prefix + i).toList();
    }
}
