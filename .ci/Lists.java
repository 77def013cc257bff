import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The committed lists of tests that may be skipped, and of tests that were flaky once.
 *
 * @param skips by class and method
 * @param flakes date and symptom, by class and method
 * @param wrong errors, as sentences: invalid lines, or lines about missing tests
 */
record Lists(Map<String, Skip> skips, Map<String, String> flakes, List<String> wrong) {

    /**
     * A line of .ci/skips.
     *
     * @param bound limit of skipped tests: one, or the invocations of a parameterized test
     * @param condition condition of the skip: {@code exists PATH}, {@code missing PATH}, or {@code says TEXT} for the
     * test's own message
     */
    record Skip(int bound, String condition, String reason) {
        /** Whether the condition holds on this host, or for the test's message. */
        boolean holds(String said) {
            String[] words = condition.split(" ", 2);
            return switch (words[0]) {
                case "exists" -> Files.exists(Path.of(words[1]));
                case "missing" -> !Files.exists(Path.of(words[1]));
                default -> said.contains(words[1]);
            };
        }
    }

    /** Reads both lists; a missing one is empty. */
    static Lists read(Path root) throws IOException {
        Lists lists = new Lists(new LinkedHashMap<>(), new LinkedHashMap<>(), new ArrayList<>());
        for (String[] columns : lists.lines(root, "skips", 4)) {
            if (columns[1].matches("\\d{1,4}") && columns[2].matches("(exists|missing) /.*|says .+"))
                lists.skips.put(columns[0], new Skip(Integer.parseInt(columns[1]), columns[2], columns[3]));
            else
                lists.wrong.add(
                        ".ci/skips: neither a number of tests and \"exists PATH\", \"missing PATH\" or \"says TEXT\": "
                                + String.join(" | ", columns));
        }
        for (String[] columns : lists.lines(root, "flakes", 3)) {
            if (columns[1].matches("\\d{4}-\\d\\d-\\d\\d"))
                lists.flakes.put(columns[0], columns[1] + ": " + columns[2]);
            else
                lists.wrong.add(".ci/flakes: no date: " + String.join(" | ", columns));
        }
        return lists;
    }

    /** The columns of each line; the first names an existing test, and none is empty. */
    private List<String[]> lines(Path root, String name, int columns) throws IOException {
        List<String[]> all = new ArrayList<>();
        Path file = root.resolve(".ci").resolve(name);
        for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
            if (line.isBlank() || line.startsWith("#")) continue;
            String[] words = Arrays.stream(line.split("\\|", columns)).map(String::strip).toArray(String[]::new);
            if (words.length != columns || Arrays.asList(words).contains("")) {
                wrong.add(".ci/%s: less than %d columns, the last of them a reason: %s".formatted(name, columns, line));
            } else if (!isInSources(root, words[0])) {
                wrong.add(".ci/%s: there is no test %s".formatted(name, words[0]));
            } else {
                all.add(words);
            }
        }
        return all;
    }

    private static boolean isInSources(Path root, String test) throws IOException {
        String[] parts = test.split("#", 2);
        if (parts.length != 2 || !parts[1].matches("\\w+")) return false;
        String source = "src/test/java/" + parts[0].replaceFirst("[$].*", "").replace('.', '/') + ".java";
        try (DirectoryStream<Path> modules = Files.newDirectoryStream(root, Files::isDirectory)) {
            for (Path module : modules) {
                Path file = module.resolve(source);
                if (Files.exists(file) && Files.readString(file).contains(" " + parts[1] + "(")) return true;
            }
        }
        return false;
    }
}
