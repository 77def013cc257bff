package sluice.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * {@code sluice bench jmh [REGEX]}: runs the benchmarks and fails if one of the steady state allocates, which means garbage for every
 * command or frame.
 */
public final class Benchmarks {
    private static final String ALLOCATED = "gc.alloc.rate.norm";
    private static final double MAX_BYTES = 1;
    /** JMH itself allocates some 10 to 30 KB in an iteration of one second, which weighs on operations that take long. */
    private static final double OWN_BYTES_PER_NANO = 65_536 / 1e9;

    private Benchmarks() {}

    public static void main(String[] arguments) throws RunnerException, ReflectiveOperationException {
        if (arguments.length > 1 || (arguments.length == 1 && arguments[0].startsWith("-"))) {
            System.err.println("usage: ./sluice bench jmh [REGEX]    the benchmarks whose name contains REGEX, or all");
            System.exit(arguments[0].matches("--help|-h") ? 0 : 2);
        }
        Options options = new OptionsBuilder().include(arguments.length == 1 ? arguments[0] : ".*").forks(1)
                .warmupIterations(4).warmupTime(TimeValue.seconds(1)).measurementIterations(5)
                .measurementTime(TimeValue.seconds(1)).addProfiler(GCProfiler.class).shouldFailOnError(true).build();
        List<String> faults = faults(new Runner(options).run());
        for (String fault : faults) System.err.println("sluice: " + fault);
        System.exit(faults.isEmpty() ? 0 : 1);
    }

    private static List<String> faults(Collection<RunResult> results) throws ReflectiveOperationException {
        List<String> faults = new ArrayList<>();
        if (results.isEmpty()) faults.add("no benchmark ran");
        for (RunResult run : results) {
            String benchmark = run.getParams().getBenchmark();
            if (mayAllocate(benchmark)) continue;
            Result<?> allocated = run.getSecondaryResults().get(ALLOCATED);
            if (allocated == null) {
                faults.add(benchmark + " was run without " + ALLOCATED);
            } else if (!(median(allocated) <= MAX_BYTES + OWN_BYTES_PER_NANO * run.getPrimaryResult().getScore())) {
                faults.add(String.format(Locale.ROOT,
                        "%s allocates %.1f bytes an operation; in the steady state nothing may",
                        benchmark, median(allocated)));
            }
        }
        return faults;
    }

    private static boolean mayAllocate(String benchmark) throws ReflectiveOperationException {
        int dot = benchmark.lastIndexOf('.');
        return Class.forName(benchmark.substring(0, dot)).getMethod(benchmark.substring(dot + 1))
                .isAnnotationPresent(Allocates.class);
    }

    /** Of the iterations: in one of them a compiler or JMH itself may have something to do. */
    private static double median(Result<?> allocated) {
        return allocated.getStatistics().getPercentile(50);
    }
}
