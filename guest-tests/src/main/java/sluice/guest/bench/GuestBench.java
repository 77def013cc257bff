package sluice.guest.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import sluice.guest.Gpu;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.Machine;
import sluice.guest.VhostUserGpu;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.InstalledQemu;
import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuHint;

/**
 * {@code sluice bench guest}: what it costs to move the GPU out of QEMU, as a guest sees it. One machine a GPU boots the same kernel; all
 * run for the whole time, and take turns round by round.
 */
@Command(name = "guest", mixinStandardHelpOptions = true, description = "Compare frames a second in a guest with those of QEMU's own virtio-gpu-pci.", footer = {
        "",
        "The guest's program flips two framebuffers and draws nothing; its screen's rate is 4000 Hz, so that no timer limits it.",
        "Its CPU is emulated unless the host has KVM." })
final class GuestBench implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final Path UDMABUF = Path.of("/dev/udmabuf");
    private static final Pattern RESULT = Pattern.compile("^SLUICE flips (\\d+) (\\d+) (\\d+) us (\\d+)$");

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--json", paramLabel = "FILE", description = "Write everything that was measured as JSON.")
    private @Nullable Path json;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Rounds of each GPU (default ${DEFAULT-VALUE}).")
    private int rounds = 5;

    @Option(names = "--frames", paramLabel = "N", defaultValue = "300", description = "Frames of a round, 1 to 1000000 (default ${DEFAULT-VALUE}).")
    private int frames = 300;

    @Option(names = "--qemu", paramLabel = "PATH", description = "A QEMU with vfio-user (default: the first on this host).")
    private @Nullable Path qemu;

    /** One GPU, its machine, and frames a second, round by round. */
    private record Side(String name, Machine machine, List<Double> rates) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (rounds < 1) throw usage("--rounds must be 1 or more");
        if (frames < 1 || frames > 1_000_000) throw usage("--frames must be 1 to 1000000");
        CacheFolder cache = CacheFolder.ofUser();
        QemuBinary binary = qemu == null ? InstalledQemu.withVfioUser(cache) : QemuBinary.at(qemu);
        GuestImage image = GuestImage.of(GuestKernel.forQemu(binary, cache)).module("virtio-gpu").compiled("flips.c")
                .build(cache);
        PrintWriter out = commandSpec().commandLine().getOut();
        String before = PeersReport.load();
        List<Side> sides = new ArrayList<>();
        try {
            boot(sides, binary, image, cache, out);
            for (Side side : sides) run(side); // warms it up
            for (Side side : sides) side.rates.clear();
            String screen = "";
            for (int round = 0; round < rounds; round++) for (Side side : sides) screen = run(side);
            JsonObject report = report(sides, screen, out);
            report.addProperty("qemu", binary.version());
            report.addProperty("loadBefore", before);
            report.addProperty("loadAfter", PeersReport.load());
            out.printf("screen %s, QEMU %s; load of the machine before: %s, after: %s%n", screen, binary.version(),
                    before, report.get("loadAfter").getAsString());
            out.flush();
            if (json != null)
                Files.writeString(json, new GsonBuilder().setPrettyPrinting().create().toJson(report) + "\n");
        } finally {
            for (Side side : sides) side.machine.close();
        }
        return 0;
    }

    private static void boot(List<Side> sides, QemuBinary binary, GuestImage image, CacheFolder cache, PrintWriter out)
            throws IOException, InterruptedException {
        String launcher = PeersBench.launcher("guest");
        boot(sides, "QEMU's own, 2D", new Gpu.InQemu(), new Gpu.InQemu().qemuArguments(), binary, image, cache);
        if (Files.isReadable(UDMABUF)) {
            boot(sides, "QEMU's own, blobs", new Gpu.InQemu(), new Gpu.InQemu().qemuArguments("blob=on"), binary,
                    image, cache);
        } else {
            out.println("QEMU's own GPU has blobs only where there is " + UDMABUF + ", which this host lacks");
            out.flush();
        }
        VhostUserGpu gpu = start("vhost-user, 2D", launcher);
        boot(sides, "ours, vhost-user, 2D", gpu, gpu.qemuArguments(), binary, image, cache);
        for (boolean blobs : new boolean[]{ false, true }) {
            gpu = blobs
                    ? start("vfio-user, blobs", launcher, "--transport=vfio-user", "--blob")
                    : start("vfio-user, 2D", launcher, "--transport=vfio-user");
            boot(sides, "ours, vfio-user, " + (blobs ? "blobs" : "2D"), gpu,
                    List.of("-device", QemuHint.function(gpu.socket())), binary, image, cache);
        }
    }

    private static VhostUserGpu start(String name, String launcher, String... options)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(launcher, "gpu"));
        command.addAll(List.of(options));
        return VhostUserGpu.start(name, command, VhostUserGpu.Readiness.SAYS_LISTENING);
    }

    /** @param gpu closed with the machine, also if that does not boot */
    private static void boot(List<Side> sides, String name, Gpu gpu, List<String> arguments, QemuBinary binary,
            GuestImage image, CacheFolder cache) throws IOException, InterruptedException {
        Machine machine = Machine.of(binary, image).arguments(arguments).backEnd(gpu).boot(cache);
        sides.add(new Side(name, machine, new ArrayList<>()));
    }

    /**
     * Runs the guest's program once and keeps its rates.
     *
     * @return the size of its screen
     */
    private String run(Side side) throws IOException, InterruptedException {
        Machine.Done done = side.machine.run("flips " + frames, LIMIT);
        for (String line : done.lines()) {
            Matcher result = RESULT.matcher(line);
            if (!result.matches() || done.status() != 0) continue;
            side.rates.add(Double.parseDouble(result.group(1)) * 1e6 / Double.parseDouble(result.group(4)));
            return result.group(2) + "×" + result.group(3);
        }
        throw new IOException("the program flips failed in the guest of %s with status %d: %s".formatted(side.name,
                done.status(), String.join("; ", done.lines())));
    }

    /** Prints a line for each GPU; ratios are to QEMU's own in 2D, of the same round. */
    private static JsonObject report(List<Side> sides, String screen, PrintWriter out) {
        out.printf("%-24s %-28s %s%n", "page flips a second", "median (least–most)", "/ QEMU's own, 2D");
        JsonArray rows = new JsonArray();
        List<Double> reference = sides.getFirst().rates;
        for (Side side : sides) {
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < reference.size(); i++) ratios.add(side.rates.get(i) / reference.get(i));
            Spread rate = Spread.of(side.rates);
            Spread ratio = Spread.of(ratios);
            out.printf("%-24s %-28s %s%n", side.name, rate.text(), ratio.text());
            JsonObject row = new JsonObject();
            row.addProperty("gpu", side.name);
            row.add("flipsPerSecond", rate.json());
            row.add("ratio", ratio.json());
            rows.add(row);
        }
        JsonObject report = new JsonObject();
        report.addProperty("screen", screen);
        report.add("rows", rows);
        return report;
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
