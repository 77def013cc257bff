package sluice.guest.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.guest.VhostUserGpu;

/**
 * {@code sluice bench soak}: one GPU process serves front-ends that come, work and go, for long, and has to hold the
 * same memory, descriptors and threads at the end as at the beginning.
 */
@Command(name = "soak", mixinStandardHelpOptions = true, description = "Let front-ends come, work and go for long: memory, descriptors and threads must stay flat.", footer = {
        "", "Exit status 1 if something grew." })
final class SoakBench implements Callable<Integer> {
    /** What each front-end does, one after the other. */
    private static final List<Workload> TURN = List.of(Workload.ATTACH, Workload.SINGLE, Workload.FLIGHT,
            Workload.FHD_SCATTERED, Workload.UHD_RUNS, Workload.DAMAGE_FLIGHT);
    private static final int LEAST_MILLIS = 10;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--minutes", paramLabel = "N", defaultValue = "30", description = "How long (default ${DEFAULT-VALUE}).")
    private double minutes = 30;

    @Option(names = "--millis", paramLabel = "N", defaultValue = "1500", description = "How long each of a front-end's six workloads takes, in ms (default ${DEFAULT-VALUE}).")
    private int millis = 1500;

    @Option(names = "--json", paramLabel = "FILE", description = "Write all samples as JSON.")
    private @Nullable Path json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!(minutes > 0 && minutes <= 7 * 24 * 60)) throw usage("--minutes must be more than 0, and a week at most");
        if (millis < LEAST_MILLIS) throw usage("--millis must be " + LEAST_MILLIS + " or more");
        PrintWriter out = commandSpec().commandLine().getOut();
        Path program = FrontEnd.compile();
        List<Resident> samples = new ArrayList<>();
        long operations = 0;
        long began = System.nanoTime();
        try (VhostUserGpu gpu = VhostUserGpu.start(PeersBench.OURS, List.of(PeersBench.launcher("soak"), "gpu"),
                VhostUserGpu.Readiness.SOCKET)) {
            long told = 0;
            while (samples.size() < Flatness.LEAST || elapsed(began).toMillis() < minutes * 60_000) {
                operations += turn(gpu, program, samples);
                long minute = elapsed(began).toMinutes();
                if (minute > told || samples.size() == 1) out.println(line(minute, samples, operations));
                out.flush();
                told = minute;
            }
        }
        Flatness flatness = Flatness.of(samples);
        out.println(line(elapsed(began).toMinutes(), samples, operations));
        List<String> growth = flatness.growth();
        growth.forEach(out::println);
        if (growth.isEmpty())
            out.printf("flat: %d KiB, %d descriptors, %d threads in the second quarter; %d, %d, %d in the last%n",
                    flatness.early().residentKib(), flatness.early().descriptors(), flatness.early().threads(),
                    flatness.late().residentKib(), flatness.late().descriptors(), flatness.late().threads());
        out.flush();
        if (json != null) Files.writeString(json, report(samples, operations, began, growth));
        return growth.isEmpty() ? 0 : 1;
    }

    /** A front-end comes, does everything once, and goes; the process is looked at just before. */
    private long turn(VhostUserGpu gpu, Path program, List<Resident> samples) throws IOException {
        long operations = 0;
        try (FrontEnd frontEnd = FrontEnd.start(program, gpu.socket(), List.of())) {
            for (Workload workload : TURN)
                operations += frontEnd.measure(workload.wireName(), millis, gpu.process().toHandle()).operations();
            samples.add(Resident.of(gpu.process().toHandle()));
        } catch (IOException failure) {
            throw new IOException("front-end %d: %s. %s".formatted(samples.size() + 1, failure.getMessage(),
                    gpu.errors()), failure);
        }
        return operations;
    }

    private static Duration elapsed(long began) {
        return Duration.ofNanos(System.nanoTime() - began);
    }

    private static String line(long minute, List<Resident> samples, long operations) {
        Resident last = samples.getLast();
        return "minute %d: %d front-ends, %,d operations; %d KiB resident, %d descriptors, %d threads".formatted(minute,
                samples.size(), operations, last.residentKib(), last.descriptors(), last.threads());
    }

    private static String report(List<Resident> samples, long operations, long began, List<String> growth) {
        JsonObject report = new JsonObject();
        report.addProperty("seconds", elapsed(began).toSeconds());
        report.addProperty("operations", operations);
        JsonArray all = new JsonArray();
        for (Resident sample : samples) {
            JsonObject one = new JsonObject();
            one.addProperty("residentKib", sample.residentKib());
            one.addProperty("descriptors", sample.descriptors());
            one.addProperty("threads", sample.threads());
            all.add(one);
        }
        report.add("samples", all);
        JsonArray grown = new JsonArray();
        growth.forEach(grown::add);
        report.add("growth", grown);
        return new GsonBuilder().setPrettyPrinting().create().toJson(report) + "\n";
    }

    private CommandSpec commandSpec() {
        CommandSpec present = spec;
        if (present == null) throw new IllegalStateException("picocli injects the command's specification");
        return present;
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(commandSpec().commandLine(), sentence);
    }
}
