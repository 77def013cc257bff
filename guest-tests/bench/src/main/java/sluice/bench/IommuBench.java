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

/** {@code sluice bench iommu [--json FILE]}: what address spaces cost, beside what they are measured by. */
public final class IommuBench {
    private static final String USAGE = "usage: ./sluice bench iommu [--json FILE]    address spaces: translating, mapping, copying";

    /** What becomes of two figures. */
    private enum Relation {
        RATIO("×"),
        DIFFERENCE("ns more"),
        ALONE("µs");

        private final String unit;

        Relation(String unit) {
            this.unit = unit;
        }
    }

    /**
     * @param benchmark method of a benchmark
     * @param beside what it is measured by; ignored if it stands alone
     * @param bar what the outcome may be at most
     */
    private record Claim(String what, String benchmark, Relation relation, String beside, double bar) {}

    /** Ratios do not depend on the machine; a time that stands alone does, and is only reported. */
    private static final List<Claim> CLAIMS = List.of(
            new Claim("flat translation / array load", "TranslateBenchmark.flatChain", Relation.RATIO,
                    "TranslateBenchmark.arrayLoadChain", 2),
            new Claim("radix translation / flat one", "TranslateBenchmark.radixChain", Relation.RATIO,
                    "TranslateBenchmark.flatChain", 4),
            new Claim("read-side protection", "TranslateBenchmark.flatProtected", Relation.DIFFERENCE,
                    "TranslateBenchmark.flat", 1),
            new Claim("map and unmap of 1 GiB in 4 KiB pages, flat", "MapBenchmark.gibibyteFlat", Relation.ALONE, "",
                    1000),
            new Claim("map and unmap of 1 GiB in 4 KiB pages, radix", "MapBenchmark.gibibyteRadix", Relation.ALONE, "",
                    1000),
            new Claim("map and unmap of 2025 scattered pages, flat", "MapBenchmark.frameFlat", Relation.ALONE, "", 10),
            new Claim("map and unmap of 2025 scattered pages, radix", "MapBenchmark.frameRadix", Relation.ALONE, "",
                    10),
            new Claim("copy through the flat table / memcpy", "CopyBenchmark.flat", Relation.RATIO,
                    "CopyBenchmark.memcpy", 1 / 0.95),
            new Claim("copy through the radix table / memcpy", "CopyBenchmark.radix", Relation.RATIO,
                    "CopyBenchmark.memcpy",
                    1 / 0.95),
            new Claim("copy through the flat table / the pages without", "CopyBenchmark.flat", Relation.RATIO,
                    "CopyBenchmark.pages",
                    1 / 0.95));

    private IommuBench() {}

    public static void main(String[] arguments) throws RunnerException {
        boolean json = arguments.length == 2 && arguments[0].equals("--json");
        if (arguments.length > 0 && !json) {
            System.err.println(USAGE);
            System.exit(arguments[0].matches("--help|-h") ? 0 : 2);
        }
        ChainedOptionsBuilder options = new OptionsBuilder().include("sluice\\.bench\\.iommu\\.").forks(3)
                .warmupIterations(3).warmupTime(TimeValue.milliseconds(300)).measurementIterations(5)
                .measurementTime(TimeValue.milliseconds(200)).verbosity(VerboseMode.SILENT).shouldFailOnError(true);
        if (json) options.resultFormat(ResultFormatType.JSON).result(arguments[1]);
        System.err.println("measuring, about two minutes");
        report(new Runner(options.build()).run());
    }

    private static void report(Collection<RunResult> results) {
        Map<String, double[]> figures = new HashMap<>();
        for (RunResult run : results) figures.put(run.getParams().getBenchmark(), iterations(run));
        System.out.printf("%-52s %-28s %s%n", "", "median (least–most)", "bar");
        for (Claim claim : CLAIMS) System.out.println(line(claim, figures));
        System.out.printf("%nall of it, median (least–most):%n");
        results.stream().sorted((a, b) -> name(a).compareTo(name(b))).forEach(run -> System.out.printf(Locale.ROOT,
                "%-52s %s %s%n", name(run), spread(iterations(run)), run.getPrimaryResult().getScoreUnit()));
    }

    private static String name(RunResult run) {
        return run.getParams().getBenchmark().replace("sluice.bench.iommu.", "");
    }

    /** All iterations of all forks, in order of size. */
    private static double[] iterations(RunResult run) {
        return run.getBenchmarkResults().stream().flatMap(fork -> fork.getIterationResults().stream())
                .mapToDouble(iteration -> iteration.getPrimaryResult().getScore()).sorted().toArray();
    }

    private static double median(double[] sorted) {
        return sorted[sorted.length / 2];
    }

    private static double[] find(Map<String, double[]> figures, String benchmark) {
        double[] found = figures.get(IommuBench.class.getPackageName() + ".iommu." + benchmark);
        if (found == null) throw new IllegalStateException("no benchmark " + benchmark + " was run");
        return found;
    }

    private static String line(Claim claim, Map<String, double[]> figures) {
        double[] all = find(figures, claim.benchmark);
        double[] outcomes = switch (claim.relation) {
            case RATIO -> Arrays.stream(all).map(one -> one / median(find(figures, claim.beside))).toArray();
            case DIFFERENCE -> Arrays.stream(all).map(one -> one - median(find(figures, claim.beside))).toArray();
            case ALONE -> all;
        };
        return String.format(Locale.ROOT, "%-52s %-28s ≤ %.4g %s  %s", claim.what, spread(outcomes), claim.bar,
                claim.relation.unit, median(outcomes) <= claim.bar ? "met" : "missed");
    }

    private static String spread(double[] sorted) {
        return String.format(Locale.ROOT, "%.3g (%.3g–%.3g)", median(sorted), sorted[0], sorted[sorted.length - 1]);
    }
}
