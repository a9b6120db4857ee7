package compat;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The scenarios of compat-tests/legacy-scenarios.toml. */
final class Table {
    // The folder of the jar, target, is in a folder of drivers.
    private static final String FILE = "../../../legacy-scenarios.toml";
    private static final Pattern VALUE = Pattern.compile("(\\w+) = (.+)");

    /** What the table says of a scenario; the limit is in seconds. */
    static final class Row {
        String name;
        List<String> needs = List.of();
        int limit = 15;
        boolean slow;
        boolean alone;
    }

    private Table() { }

    /** Reads it. Its values are written so that they are JSON too. */
    static List<Row> read() throws Exception {
        var jar = Path.of(Table.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        var rows = new ArrayList<JsonObject>();
        for (var line : Files.readAllLines(jar.getParent().resolve(FILE))) {
            var value = VALUE.matcher(line);
            if (line.equals("[[scenario]]")) rows.add(new JsonObject());
            else if (value.matches() && !rows.isEmpty()) rows.get(rows.size() - 1).add(value.group(1), new Gson().fromJson(value.group(2), JsonElement.class));
            else if (!line.isEmpty() && !line.startsWith("#")) throw new IOException("cannot read \"" + line + "\"");
        }
        return rows.stream().map(row -> new Gson().fromJson(row, Row.class)).toList();
    }

    /** The names that are in one of both only. */
    static List<String> differences(List<Row> rows, Map<String, ?> scenarios) {
        var names = new ArrayList<>(rows.stream().map(row -> row.name).toList());
        var odd = new ArrayList<>(scenarios.keySet());
        odd.removeAll(names);
        names.removeAll(scenarios.keySet());
        odd.addAll(names);
        return odd;
    }
}
