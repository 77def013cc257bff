import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Judges test runs by their reports; {@code .ci/judge} lists the rules. JDK 25 runs it from source. Its tests are
 * {@code sluice.guest.verdict.JudgeTest}.
 */
final class Judge {
    private static final int MOST_FLAKES = 2;

    /** A test run, and the folder of its reports in each module's target. */
    private enum Run {
        DEFAULT("surefire-reports"),
        MATRIX("matrix-reports");

        private final String folder;

        Run(String folder) {
            this.folder = folder;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** The level of tests, by class name, and the time budget of each run in seconds on 2 cores; 0 for none. */
    private enum Level {
        GUESTS(".*GuestTest", 360, 2280),
        LOOPBACK(".*(Qtest|Loopback)Test", 120, 0),
        UNIT(".*", 200, 0);

        private final Pattern classes;
        private final int[] seconds;

        Level(String classes, int... seconds) {
            this.classes = Pattern.compile(classes);
            this.seconds = seconds;
        }

        static Level of(String type) {
            String outermost = type.replaceFirst("[$].*", "");
            return Arrays.stream(values()).filter(level -> level.classes.matcher(outermost).matches()).findFirst()
                    .orElseThrow();
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Path root;
    private final PrintStream out;
    private final double factor;
    private final Lists lists;
    private final List<String> notes = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    private Judge(Path root, double factor, PrintStream out) throws IOException {
        this.root = root;
        this.factor = factor;
        this.out = out;
        lists = Lists.read(root);
        problems.addAll(lists.wrong());
    }

    /** The first argument is the root folder. Exits with 0 on success, 1 on failure, 2 on wrong usage. */
    public static void main(String[] arguments) throws IOException {
        List<String> words = List.of(arguments).subList(1, arguments.length);
        System.exit(run(Path.of(arguments[0]), System.getenv(), System.out, words.toArray(String[]::new)));
    }

    /** The same as a method: returns the status. */
    static int run(Path root, Map<String, String> environment, PrintStream out, String... words) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(words));
        String option = !arguments.isEmpty() && arguments.getFirst().startsWith("--") ? arguments.removeFirst() : "";
        List<Run> runs = Arrays.stream(Run.values()).filter(run -> arguments.remove(run.toString())).toList();
        if (runs.isEmpty() || !arguments.isEmpty() || !List.of("", "--failed", "--raise").contains(option)) {
            out.println("usage: .ci/judge [--failed | --raise] default|matrix...");
            return 2;
        }
        double factor = Double.parseDouble(environment.getOrDefault("SLUICE_BUDGET_FACTOR", "1"));
        Judge judge = new Judge(root, factor, out);
        return option.equals("--failed") ? judge.failed(runs) : judge.judge(runs, option.equals("--raise"));
    }

    /**
     * Prints the classes to be run again, a module and a class per line; none if more have failed than the limit of
     * flaky tests.
     */
    private int failed(List<Run> runs) throws IOException {
        TreeSet<String> classes = new TreeSet<>();
        int failures = 0;
        for (Run run : runs) {
            for (Reports.Test test : Reports.read(root, run.folder).tests()) {
                if (!test.is(Reports.State.FAILED)) continue;
                failures++;
                classes.add(test.module() + " " + test.suite());
            }
        }
        if (failures <= MOST_FLAKES) classes.forEach(out::println);
        return 0;
    }

    private int judge(List<Run> runs, boolean raise) throws IOException {
        Map<String, Integer> numbers = new TreeMap<>();
        List<Reports.Test> all = new ArrayList<>();
        for (Run run : runs) {
            Reports first = Reports.read(root, run.folder);
            Reports again = Reports.read(root, run.folder + "-again");
            problems.addAll(first.wrong());
            problems.addAll(again.wrong());
            List<Reports.Test> tests = settleFlakes(first.tests(), again.tests());
            Map<String, Double> taken = first.taken();
            for (Level level : Arrays.asList(Level.values()).reversed()) judgeLevel(run, level, tests, taken);
            for (Reports.Test test : tests)
                numbers.merge("%s %s %s".formatted(run, test.module(), Level.of(test.type())), 1, Integer::sum);
            all.addAll(tests);
        }
        judgeSkips(all);
        judgeNumbers(runs, numbers, raise);
        notes.forEach(out::println);
        problems.forEach(out::println);
        out.println(counts(all));
        return problems.isEmpty() ? 0 : 1;
    }

    private static String counts(List<Reports.Test> tests) {
        Map<Reports.State, Long> count = tests.stream()
                .collect(Collectors.groupingBy(Reports.Test::state, Collectors.counting()));
        return "%d passed, %d failed, %d skipped".formatted(count.getOrDefault(Reports.State.PASSED, 0L),
                count.getOrDefault(Reports.State.FAILED, 0L), count.getOrDefault(Reports.State.SKIPPED, 0L));
    }

    private void judgeLevel(Run run, Level level, List<Reports.Test> tests, Map<String, Double> seconds) {
        List<Reports.Test> those = tests.stream().filter(test -> Level.of(test.type()) == level).toList();
        for (Reports.Test test : those) {
            if (test.is(Reports.State.FAILED)) problems.add("failed: " + test.id());
        }
        if (those.isEmpty() && level.seconds[run.ordinal()] == 0) return;
        double taken = seconds.keySet().stream().filter(type -> Level.of(type) == level).mapToDouble(seconds::get)
                .sum();
        double budget = level.seconds[run.ordinal()] * factor;
        out.printf(Locale.ROOT, "%-7s %-8s %s, %.0f s%s%n", run, level, counts(those), taken,
                budget > 0 ? " of %.0f s".formatted(budget) : "");
        if (budget > 0 && taken > budget) {
            problems.add(
                    "over budget: level %s of the run %s took %.0f s, %.0f s are allowed".formatted(level, run, taken,
                            budget));
        }
        if (those.stream().allMatch(test -> test.is(Reports.State.SKIPPED)))
            problems.add("no test of level %s ran in the run %s".formatted(level, run));
    }

    /**
     * The result of the second run of a class replaces that of the first. A test that failed in the first run, in a
     * class without failures in the second, is flaky.
     */
    private List<Reports.Test> settleFlakes(List<Reports.Test> first, List<Reports.Test> again) {
        Map<String, List<Reports.Test>> anew = again.stream().collect(Collectors.groupingBy(Reports.Test::suite));
        List<Reports.Test> settled = new ArrayList<>(again);
        int flaky = 0;
        for (Reports.Test test : first) {
            List<Reports.Test> second = anew.get(test.suite());
            if (second == null) settled.add(test);
            if (second == null || !test.is(Reports.State.FAILED)) continue;
            if (second.stream().anyMatch(other -> other.is(Reports.State.FAILED))) continue; // which fails the run
            long before = first.stream().filter(other -> other.suite().equals(test.suite())).count();
            if (!hasPassed(test, second, before)) {
                settled.add(test);
                continue;
            }
            flaky++;
            String known = lists.flakes().get(test.method());
            if (known != null) problems.add("flaky again, fix it: %s (%s)".formatted(test.id(), known));
            else
                notes.add(
                        "flaky: %s; add it to .ci/flakes, or fix it: a second time fails the run".formatted(test.id()));
        }
        if (flaky > MOST_FLAKES)
            problems.add("%d tests are flaky, %d are allowed in a run".formatted(flaky, MOST_FLAKES));
        return settled;
    }

    /** A class with a failed setup in the first run was reported as one test, which the second run does not have. */
    private static boolean hasPassed(Reports.Test test, List<Reports.Test> second, long before) {
        for (Reports.Test other : second) {
            if (other.id().equals(test.id())) return other.is(Reports.State.PASSED);
        }
        return second.stream().filter(other -> other.is(Reports.State.PASSED)).count() >= before;
    }

    private void judgeSkips(List<Reports.Test> tests) {
        Map<String, Integer> skipped = new TreeMap<>();
        for (Reports.Test test : tests) {
            if (!test.is(Reports.State.SKIPPED)) continue;
            Lists.Skip skip = lists.skips().get(test.method());
            if (skip == null) {
                problems.add("skipped, and not in .ci/skips: " + test.id());
            } else if (!skip.holds(test.said())) {
                problems.add(
                        "skipped, and it is not so that \"%s\" (.ci/skips): %s".formatted(skip.condition(), test.id()));
            } else if (skipped.merge(test.method(), 1, Integer::sum) > skip.bound()) {
                problems.add("skipped more often than %d times (.ci/skips): %s".formatted(skip.bound(), test.id()));
            } else {
                notes.add("skipped: %s (%s)".formatted(test.id(), skip.reason()));
            }
        }
    }

    /**
     * Fewer tests than in .ci/expected fail the run; more are reported, and {@code raise} writes their number there.
     */
    private void judgeNumbers(List<Run> runs, Map<String, Integer> numbers, boolean raise) throws IOException {
        Path file = root.resolve(".ci/expected");
        List<String> lines = new ArrayList<>();
        Map<String, Integer> unknown = new TreeMap<>(numbers);
        for (String line : Files.exists(file) ? Files.readAllLines(file) : List.<String>of()) {
            String[] words = line.strip().split("\\s+");
            String key = String.join(" ", Arrays.copyOf(words, Math.min(words.length, 3)));
            lines.add(line);
            if (line.isBlank() || line.startsWith("#")) continue;
            if (words.length != 4 || !words[3].matches("\\d{1,6}")) {
                problems.add(".ci/expected: not \"run module level number\": " + line);
                continue;
            }
            if (runs.stream().noneMatch(run -> run.toString().equals(words[0]))) continue;
            int expected = Integer.parseInt(words[3]);
            int number = numbers.getOrDefault(key, 0);
            unknown.remove(key);
            if (number < expected)
                problems.add("tests are missing: %s has %d, .ci/expected has %d".formatted(key, number, expected));
            if (number <= expected) continue;
            lines.set(lines.size() - 1, "%-8s %-12s %-9s %d".formatted(words[0], words[1], words[2], number));
            if (!raise)
                notes.add("more tests: %s has %d, .ci/expected has %d; \".ci/judge --raise %s\" writes it there"
                        .formatted(key, number, expected, words[0]));
        }
        unknown.forEach((key, number) -> problems.add("not in .ci/expected: %s %d".formatted(key, number)));
        if (raise && problems.isEmpty()) Files.write(file, lines);
    }
}
