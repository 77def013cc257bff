package sluice.guest.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import sluice.guest.VhostUserGpu;
import sluice.guest.build.Folders;

/**
 * {@code sluice bench watch}: what it costs a device to be watched: by a page that is open, a recording, and a profile, each in turns with
 * none, in one process. The page's own buttons start and stop the last two.
 */
@Command(name = "watch", mixinStandardHelpOptions = true, description = "What it costs a GPU that the page of its console is open, and that it is profiled.", footer = {
        "",
        "The time of the device's thread for one operation is that which the kernel has counted for it: on a busy machine it says more than the rate, for which the page's server, its reader and the guest compete with it." })
final class WatchBench implements Callable<Integer> {
    /** Most that an open page may add to the device's work. */
    private static final double PAGE_BAR = 1.02;
    /** Most that a profile may. */
    private static final double PROFILE_BAR = 1.03;
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final String THREAD = "sluice-gpu";

    @Spec
    private @Nullable CommandSpec spec;

    /** A round is longer than a second, so that the page reads in each. */
    @Mixin
    private RoundOptions options = new RoundOptions(15, 1100, 3000);

    @Option(names = "--only", paramLabel = "REGEX", defaultValue = ".*", description = "Only rows whose text contains this, such as page or profile.")
    private Pattern only = Pattern.compile(".*");

    /** A GPU, its front-end and the time of its thread. */
    private record Gpu(VhostUserGpu process, FrontEnd frontEnd, ThreadTime thread) implements AutoCloseable {
        static Gpu start(List<String> command, Path program) throws IOException, InterruptedException {
            VhostUserGpu process = VhostUserGpu.start("sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
            boolean done = false;
            try {
                FrontEnd frontEnd = FrontEnd.start(program, process.socket(), List.of());
                // The thread starts with its first work.
                frontEnd.measure(Workload.SINGLE.wireName(), 1, process.process().toHandle());
                Gpu made = new Gpu(process, frontEnd, ThreadTime.of(process.process().pid(), THREAD));
                done = true;
                return made;
            } finally {
                if (!done) process.close();
            }
        }

        /** A round. */
        Round measure(Workload workload, long length) throws IOException {
            long before = thread.nanos();
            Measurement measured = frontEnd.measure(workload.wireName(), length, process.process().toHandle());
            return new Round(measured.value(), (thread.nanos() - before) / (double) measured.operations());
        }

        @Override
        public void close() throws IOException {
            frontEnd.close();
            process.close();
        }
    }

    /**
     * What a round gave.
     *
     * @param rate operations a second
     * @param nanos of the device's thread for one
     */
    private record Round(double rate, double nanos) {}

    /** One side of a comparison. */
    private interface Side {
        Round measure(Workload workload, long length) throws IOException, InterruptedException;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        options.check(present);
        String launcher = PeersBench.launcher("watch");
        PrintWriter out = present.commandLine().getOut();
        String before = PeersReport.load();
        Path program = FrontEnd.compile();
        Path folder = Files.createTempDirectory("sluice-watch-");
        JsonArray all = new JsonArray();
        out.printf("%-52s %-24s %-24s %-20s %-8s %s%n", "", "thread's ns, watched", "not watched", "ratio", "bar",
                "ratio of the rates");
        try (Gpu shown = Gpu.start(List.of(launcher, "gpu", "--console=127.0.0.1:0", "--console-out=" + folder),
                program); HttpClient http = HttpClient.newHttpClient()) {
            URI page = URI.create(shown.process().output().waitFor("^console (http\\S+)$", LIMIT).group(1));
            for (Workload workload : List.of(Workload.FLIGHT, Workload.SINGLE, Workload.DAMAGE,
                    Workload.FHD_SCATTERED)) {
                compare("page open: ", workload, (work, length) -> {
                    try (OpenPage open = OpenPage.open(page)) {
                        Round round = shown.measure(work, length);
                        open.requireHealth();
                        return round;
                    }
                }, shown::measure, PAGE_BAR, out, all);
                for (String name : List.of("recording", "profile")) {
                    PageButton button = new PageButton(http, page, name);
                    compare(name + ": ", workload, (work, length) -> {
                        button.start();
                        Round round = shown.measure(work, length);
                        button.stop();
                        Folders.delete(folder);
                        return round;
                    }, shown::measure, PROFILE_BAR, out, all);
                }
            }
        } finally {
            Folders.delete(folder);
        }
        out.println("load of the machine before: " + before + ", after: " + PeersReport.load());
        out.flush();
        options.write(all);
        return 0;
    }

    private void compare(String how, Workload workload, Side watched, Side alone, double bar, PrintWriter out,
            JsonArray all) throws IOException, InterruptedException {
        String label = how + workload.label.replaceFirst(", p50$", "");
        if (!only.matcher(label).find()) return;
        watched.measure(workload, options.warmUpMillis());
        alone.measure(workload, options.warmUpMillis());
        List<Double> with = new ArrayList<>();
        List<Double> without = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        List<Double> rates = new ArrayList<>();
        for (int i = 0; i < options.rounds(); i++) {
            Round one = watched.measure(workload, options.millis());
            Round other = alone.measure(workload, options.millis());
            with.add(one.nanos());
            without.add(other.nanos());
            ratios.add(one.nanos() / other.nanos());
            rates.add(workload.unit == Workload.Unit.RATE ? one.rate() / other.rate() : other.rate() / one.rate());
        }
        Spread ratio = Spread.of(ratios);
        out.printf("%-52s %-24s %-24s %-20s ≤ %-6s %s %s%n", label, Spread.of(with).text(), Spread.of(without).text(),
                ratio.text(), bar, Spread.of(rates).text(), ratio.median() <= bar ? "met" : "missed");
        out.flush();
        JsonObject result = new JsonObject();
        result.addProperty("watched", how.replaceFirst(": $", ""));
        result.addProperty("workload", workload.wireName());
        result.addProperty("nanosWatched", Spread.of(with).median());
        result.addProperty("nanosAlone", Spread.of(without).median());
        result.addProperty("ratio", ratio.median());
        result.addProperty("leastRatio", ratio.least());
        result.addProperty("mostRatio", ratio.most());
        result.addProperty("ratioOfRates", Spread.of(rates).median());
        result.addProperty("bar", bar);
        result.addProperty("met", ratio.median() <= bar);
        all.add(result);
    }
}
