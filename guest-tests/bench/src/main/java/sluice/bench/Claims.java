package sluice.bench;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * What a package of benchmarks is to show, each figure beside what it is measured by in the same run.
 *
 * @param benchmarks package whose benchmarks are run
 * @param usage is printed when it is not understood
 * @param all what is claimed
 */
record Claims(String benchmarks, String usage, List<Claim> all) {
    /** The result of two figures. */
    enum Relation {
        RATIO("×"),
        DIFFERENCE("ns more"),
        NANOSECONDS("ns"),
        MICROSECONDS("µs");

        private final String unit;

        Relation(String unit) {
            this.unit = unit;
        }
    }

    /**
     * A figure and its bar. Ratios do not depend on the machine; a time that stands alone does, and is only reported.
     *
     * @param benchmark method of a benchmark
     * @param beside what it is measured by; ignored if it stands alone
     * @param bar what the outcome may be at most
     */
    record Claim(String what, String benchmark, Relation relation, String beside, double bar) {}

    /** Runs the benchmarks and prints what has become of the claims; {@code --json FILE} writes the figures as well. */
    void check(String... arguments) throws RunnerException {
        boolean json = arguments.length == 2 && arguments[0].equals("--json");
        if (arguments.length > 0 && !json) {
            System.err.println(usage);
            System.exit(arguments[0].matches("--help|-h") ? 0 : 2);
        }
        ChainedOptionsBuilder options = new OptionsBuilder().include(benchmarks.replace(".", "\\.") + "\\.").forks(3)
                .warmupIterations(3).warmupTime(TimeValue.milliseconds(300)).measurementIterations(5)
                .measurementTime(TimeValue.milliseconds(200)).verbosity(VerboseMode.SILENT).shouldFailOnError(true);
        if (json) options.resultFormat(ResultFormatType.JSON).result(arguments[1]);
        System.err.println("measuring, about two minutes");
        report(new Runner(options.build()).run());
    }

    private void report(Collection<RunResult> results) {
        Map<String, double[]> figures = new HashMap<>();
        for (RunResult run : results) figures.put(run.getParams().getBenchmark(), iterations(run));
        System.out.printf("%-52s %-28s %s%n", "", "median (least–most)", "bar");
        for (Claim claim : all) System.out.println(line(claim, figures));
        System.out.printf("%nall of it, median (least–most):%n");
        results.stream().sorted((a, b) -> name(a).compareTo(name(b))).forEach(run -> System.out.printf(Locale.ROOT,
                "%-52s %s %s%n", name(run), spread(iterations(run)), run.getPrimaryResult().getScoreUnit()));
    }

    private String name(RunResult run) {
        return run.getParams().getBenchmark().replace(benchmarks + ".", "");
    }

    /** All iterations of all forks, in order of size. */
    private static double[] iterations(RunResult run) {
        return run.getBenchmarkResults().stream().flatMap(fork -> fork.getIterationResults().stream())
                .mapToDouble(iteration -> iteration.getPrimaryResult().getScore()).sorted().toArray();
    }

    private static double median(double[] sorted) {
        return sorted[sorted.length / 2];
    }

    private double[] find(Map<String, double[]> figures, String benchmark) {
        double[] found = figures.get(benchmarks + "." + benchmark);
        if (found == null) throw new IllegalStateException("no benchmark " + benchmark + " was run");
        return found;
    }

    private String line(Claim claim, Map<String, double[]> figures) {
        double[] found = find(figures, claim.benchmark);
        double[] outcomes = switch (claim.relation) {
            case RATIO -> Arrays.stream(found).map(one -> one / median(find(figures, claim.beside))).toArray();
            case DIFFERENCE -> Arrays.stream(found).map(one -> one - median(find(figures, claim.beside))).toArray();
            case NANOSECONDS, MICROSECONDS -> found;
        };
        return String.format(Locale.ROOT, "%-52s %-28s ≤ %.4g %s  %s", claim.what, spread(outcomes), claim.bar,
                claim.relation.unit, median(outcomes) <= claim.bar ? "met" : "missed");
    }

    private static String spread(double[] sorted) {
        return String.format(Locale.ROOT, "%.3g (%.3g–%.3g)", median(sorted), sorted[0], sorted[sorted.length - 1]);
    }
}
