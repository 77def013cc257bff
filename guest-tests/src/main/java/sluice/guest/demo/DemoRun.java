package sluice.guest.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;

import sluice.guest.Accelerator;
import sluice.guest.DriverTrace;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.Picture;
import sluice.guest.Qemu;
import sluice.guest.QemuLaunch;
import sluice.guest.TestPattern;
import sluice.guest.VhostUserGpu;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

/** The steps of the demo, with progress output. */
final class DemoRun {
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration DRAW = Duration.ofMinutes(2);
    private static final Duration SOON = Duration.ofSeconds(10);
    /** With a profile, which is written then. */
    private static final Duration END = Duration.ofSeconds(60);
    /** A guest under TCG prints about 100 KB a second. */
    private static final Duration TRACE = Duration.ofSeconds(90);
    private static final String SCREEN = "screen.png";
    private static final String QEMU_SCREEN = "qemu-screen.png";
    private static final String STATISTICS = "gpu-statistics.json";

    private final QemuBinary binary;
    private final DemoMode mode;
    private final DemoGpu program;
    private final int flips;
    private final Path out;
    private final Progress progress;

    /**
     * @param flips number of page flips
     * @param out existing folder for the pictures
     */
    DemoRun(QemuBinary binary, DemoMode mode, DemoGpu program, int flips, Path out, Progress progress) {
        this.binary = binary;
        this.mode = mode;
        this.program = program;
        this.flips = flips;
        this.out = out.toAbsolutePath().normalize();
        this.progress = progress;
    }

    /**
     * Runs it all.
     *
     * @throws IOException a step failed; the message names it and the reason. A wrong picture is a result, not a
     * failure
     */
    DemoReport run() throws IOException, InterruptedException {
        progress.note("QEMU %s, %s".formatted(binary.version(), binary.path()));
        for (String old : new String[]{ SCREEN, QEMU_SCREEN, STATISTICS, DemoResult.FILE, DemoResult.SUMMARY }) {
            Files.deleteIfExists(out.resolve(old)); // so that old files are not mistaken for results
        }
        CacheFolder cache = CacheFolder.ofUser();
        progress.step("building the guest");
        GuestKernel kernel = GuestKernel.forQemu(binary, cache);
        GuestImage image = program.profile() == null
                ? GuestImage.forDisplay(kernel, cache)
                : GuestImage.forTracedDisplay(kernel, cache);
        progress.note("Linux %s, %s".formatted(image.kernel().release(), image.initrd()));
        progress.step("probing KVM");
        Accelerator accelerator = Accelerator.best(binary, image, cache);
        progress.note("guests run with " + accelerator);
        if (mode.hasQemuScreen() && binary.wantsKvmForVhostUser() && accelerator != Accelerator.KVM) {
            throw new IOException(
                    ("%s is QEMU %s, which attaches vhost-user devices under KVM only, and KVM boots no guest on "
                            + "this host: take QEMU 9 or later").formatted(binary.path(), binary.version()));
        }
        progress.step("starting the GPU process");
        List<String> command = new ArrayList<>(program.command());
        if (program.ours()) {
            command.add("--stats=" + out.resolve(STATISTICS));
            command.add("--snapshot-dir=" + out);
            command.addAll(mode.gpuOptions());
        }
        try (VhostUserGpu gpu = VhostUserGpu.start("the GPU process", command,
                program.ours() ? VhostUserGpu.Readiness.SAYS_LISTENING : VhostUserGpu.Readiness.SOCKET)) {
            progress.note("process %d listens on %s".formatted(gpu.process().pid(), gpu.socket()));
            return withGpu(gpu, image, accelerator, command);
        }
    }

    private DemoReport withGpu(VhostUserGpu gpu, GuestImage image, Accelerator accelerator, List<String> command)
            throws IOException, InterruptedException {
        progress.step("booting the virtual machine");
        List<DemoReport.Judged> pictures = new ArrayList<>();
        int width;
        int height;
        int frame;
        long flipMillis;
        try (DriverTrace trace = program.profile() == null ? null : DriverTrace.open();
                Qemu qemu = new QemuLaunch(binary).accelerator(accelerator)
                        .boot(image, "sluice.run=pattern sluice.frames=" + flips).arguments(mode.attach(gpu))
                        .arguments(trace == null ? List.of() : trace.qemuArguments())
                        .onConsoleLine(line -> progress.note("guest: " + line)).start()) {
            Matcher size = reply(qemu, "mode (\\d+) (\\d+)", BOOT);
            width = Integer.parseInt(size.group(1));
            height = Integer.parseInt(size.group(2));
            progress.step("drawing");
            flipMillis = Long.parseLong(reply(qemu, "flips \\d+ ms (\\d+)", DRAW).group(1));
            frame = Integer.parseInt(reply(qemu, "done (\\d+)", DRAW).group(1));
            progress.step("judging the pictures");
            Picture expected = TestPattern.picture(width, height, frame);
            if (mode.hasQemuScreen()) {
                pictures.add(new DemoReport.Judged(QEMU_SCREEN, "what QEMU shows",
                        qemu.awaitScreen(expected, out.resolve(QEMU_SCREEN), SOON)));
            }
            if (program.ours()) pictures.add(snapshot(gpu, expected));
            for (DemoReport.Judged picture : pictures) progress.note(picture.sentence());
            ProfileFolder profile = program.profile();
            if (trace != null && profile != null) trace(trace, profile);
            progress.step("shutting down");
            qemu.qmp().execute("quit");
            qemu.waitForEnd(SOON);
        } catch (IOException failure) {
            String said = gpu.errors();
            throw said.isEmpty() ? failure : new IOException(failure.getMessage() + "\n" + said, failure);
        }
        JsonObject statistics = end(gpu);
        return new DemoReport(binary, mode, image.kernel().release(), accelerator, command, width, height, frame + 1,
                flipMillis,
                progress.elapsed(), progress.steps(), pictures, statistics);
    }

    /** Waits for a line of the guest's program; its error line ends the wait at once. */
    private static Matcher reply(Qemu qemu, String expression, Duration limit)
            throws IOException, InterruptedException {
        Matcher matcher = qemu.console().waitFor("^SLUICE (?:" + expression + "|(?<error>error .*))$", limit);
        String error = matcher.group("error");
        if (error != null) throw new IOException("the guest reports an " + error);
        return matcher;
    }

    private DemoReport.Judged snapshot(VhostUserGpu gpu, Picture expected) throws IOException, InterruptedException {
        gpu.signal("USR2");
        Path taken = Path.of(gpu.output().waitFor("^snapshot (.+)$", SOON).group(1));
        Path file = out.resolve(SCREEN);
        Files.move(taken, file, StandardCopyOption.REPLACE_EXISTING);
        Optional<Picture.Difference> difference = expected.difference(Picture.read(file));
        return new DemoReport.Judged(SCREEN, "what the GPU process holds", difference);
    }

    /** Before the GPU process ends, because it writes the report then. */
    private void trace(DriverTrace trace, ProfileFolder folder) throws IOException {
        progress.step("reading the guest's trace");
        if (!trace.write(folder.guestTrace(), TRACE))
            progress.note("the guest's trace is cut: it was not whole after %d s".formatted(TRACE.toSeconds()));
    }

    private @Nullable JsonObject end(VhostUserGpu gpu) throws IOException, InterruptedException {
        int status = gpu.terminate(END);
        if (!program.ours()) return null;
        if (status != 0) {
            throw new IOException("the GPU process ended with status " + status + " after SIGTERM. " + gpu.errors());
        }
        Path file = out.resolve(STATISTICS);
        try {
            JsonObject statistics = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
            Files.delete(file); // included in the report
            return statistics;
        } catch (JsonParseException | IllegalStateException broken) {
            throw new IOException("the statistics in " + file + " are not a JSON object", broken);
        }
    }
}
