package sluice.guest.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code sluice bench pairs}: two GPUs work at the same time, in one process and in two. What they share in one process, such as the
 * core, the control loop and the heap, is what can slow them there.
 */
@Command(name = "pairs", mixinStandardHelpOptions = true, description = "Compare two GPUs of one process with those of two processes, at work at the same time.", footer = {
        "", "The guests' programs need processors, too: with fewer than four, both pairs share what there is." })
final class PairsBench implements Callable<Integer> {
    /** What two devices of one process must reach, of those of two. */
    private static final double BAR = 0.9;
    private static final List<Workload> WORKLOADS = List.of(Workload.FLIGHT, Workload.DAMAGE, Workload.FHD_SCATTERED);

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private RoundOptions options = new RoundOptions(15, 400, 2000);

    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        options.check(present);
        String launcher = PeersBench.launcher("pairs");
        PrintWriter out = present.commandLine().getOut();
        String before = PeersReport.load();
        JsonArray all = new JsonArray();
        Path program = FrontEnd.compile();
        try (GpuPair one = GpuPair.ofOneProcess(launcher, program);
                GpuPair two = GpuPair.ofTwoProcesses(launcher, program);
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            out.printf("%-32s %-26s %-26s %-18s %s%n", "two GPUs at once, sum", "of one process", "of two processes",
                    "ratio", "bar");
            for (Workload workload : WORKLOADS) all.add(compare(workload, one, two, threads, out));
        }
        out.println("load of the machine before: " + before + ", after: " + PeersReport.load());
        out.flush();
        options.write(all);
        return 0;
    }

    private JsonObject compare(Workload workload, GpuPair one, GpuPair two, ExecutorService threads, PrintWriter out)
            throws IOException, InterruptedException {
        sum(workload, one, options.warmUpMillis(), threads);
        sum(workload, two, options.warmUpMillis(), threads);
        List<Double> ours = new ArrayList<>();
        List<Double> theirs = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < options.rounds(); round++) {
            ours.add(sum(workload, one, options.millis(), threads));
            theirs.add(sum(workload, two, options.millis(), threads));
            ratios.add(ours.getLast() / theirs.getLast());
        }
        Spread ratio = Spread.of(ratios);
        boolean met = ratio.median() >= BAR;
        out.printf("%-32s %-26s %-26s %-18s ≥ %s %s%n", workload.label, Spread.of(ours).text(),
                Spread.of(theirs).text(), ratio.text(), BAR, met ? "met" : "missed");
        out.flush();
        JsonObject result = new JsonObject();
        result.addProperty("workload", workload.wireName());
        result.addProperty("oneProcess", Spread.of(ours).median());
        result.addProperty("twoProcesses", Spread.of(theirs).median());
        result.addProperty("ratio", ratio.median());
        result.addProperty("leastRatio", ratio.least());
        result.addProperty("mostRatio", ratio.most());
        result.addProperty("bar", BAR);
        result.addProperty("met", met);
        return result;
    }

    /** Operations a second of both GPUs together. */
    private static double sum(Workload workload, GpuPair pair, long length, ExecutorService threads)
            throws IOException, InterruptedException {
        List<Future<Measurement>> both = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            int which = i;
            both.add(threads.submit(() -> pair.measure(which, workload.wireName(), length)));
        }
        double sum = 0;
        for (Future<Measurement> one : both) {
            try {
                sum += one.get().value();
            } catch (ExecutionException e) {
                throw new IOException(e.getCause());
            }
        }
        return sum;
    }
}
