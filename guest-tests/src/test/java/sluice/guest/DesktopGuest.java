package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;

import sluice.guest.build.Folders;
import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/** A guest with Weston on our GPU, and its client, whose picture is known to the pixel. */
final class DesktopGuest implements AutoCloseable {
    static final Duration BOOT = Duration.ofSeconds(90);
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final int MEMORY_MIB = 1024;
    private static final int WHOLE_AXIS = 0x8000;

    private final VhostUserGpu gpu;
    private final Qemu qemu;
    private final Path folder;
    private final boolean blobs;

    private DesktopGuest(VhostUserGpu gpu, Qemu qemu, Path folder, boolean blobs) {
        this.gpu = gpu;
        this.qemu = qemu;
        this.folder = folder;
        this.blobs = blobs;
    }

    /**
     * Starts a machine with our GPU and a tablet; pictures and statistics are kept in {@code target}.
     *
     * @param more arguments for QEMU
     */
    static DesktopGuest boot(TestQemu wanted, List<String> more) throws IOException, InterruptedException {
        return boot(wanted, false, more);
    }

    /** The same; with blobs, the GPU is attached over vfio-user, and QEMU has no screen: only our device says what it shows. */
    static DesktopGuest boot(TestQemu wanted, boolean blobs, List<String> more)
            throws IOException, InterruptedException {
        GuestKernel kernel = GuestKernel.forQemu(wanted.binary(), TestQemu.CACHE);
        return boot(wanted, "desktop-", GuestImage.forDesktop(kernel, TestQemu.CACHE), blobs, more);
    }

    /** The same with Xorg, which is started by {@code xserver}. */
    static DesktopGuest bootXorg(TestQemu wanted, boolean blobs) throws IOException, InterruptedException {
        GuestKernel kernel = GuestKernel.forQemu(wanted.binary(), TestQemu.CACHE);
        return boot(wanted, "xorg-", GuestImage.forXorg(kernel, TestQemu.CACHE), blobs, List.of());
    }

    private static DesktopGuest boot(TestQemu wanted, String kind, GuestImage image, boolean blobs, List<String> more)
            throws IOException, InterruptedException {
        QemuBinary binary = wanted.binary();
        Path folder = Path.of("target", kind + wanted.name().toLowerCase(Locale.ROOT) + (blobs ? "-blobs" : ""))
                .toAbsolutePath();
        Folders.delete(folder);
        Files.createDirectories(folder);
        Accelerator accelerator = Accelerator.best(binary, image, TestQemu.CACHE);
        List<String> command = new ArrayList<>(TestGpus.sluiceCommand());
        command.addAll(List.of("--snapshot-dir=" + folder, "--stats=" + folder.resolve("statistics.json")));
        if (blobs) command.addAll(List.of("--blob", "--transport=vfio-user"));
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
        try {
            Qemu qemu = new QemuLaunch(binary).accelerator(accelerator).memory(MEMORY_MIB)
                    .boot(image, "sluice.run=serve")
                    .arguments(blobs ? TestGuest.vfioUser(gpu.socket(), "") : gpu.qemuArguments())
                    .arguments("-device", "virtio-tablet-pci").arguments(more).start();
            return new DesktopGuest(gpu, qemu, folder, blobs);
        } catch (IOException | InterruptedException | RuntimeException failure) {
            gpu.close();
            throw failure;
        }
    }

    Qemu qemu() {
        return qemu;
    }

    VhostUserGpu gpu() {
        return gpu;
    }

    /** The next line that the window, or another of our programs, says, and which is no error. */
    Matcher hear(String expression, Duration limit) throws IOException, InterruptedException {
        Matcher line = qemu.console().waitFor("^SLUICE (?:" + expression + "|error .*)$", limit);
        assertThat(line.group()).doesNotContain("SLUICE error");
        return line;
    }

    /** Runs a command of the guest to its end, which must be a good one. */
    void run(String command) throws IOException, InterruptedException {
        qemu.console().send(command);
        assertThat(hear("exit (\\d+)", BOOT).group(1)).as("exit status of " + command).isEqualTo("0");
    }

    /** Starts Weston, then the window, and returns the window's size as "WIDTH HEIGHT". */
    String open() throws IOException, InterruptedException {
        run("desktop");
        return openWindow("").size();
    }

    /**
     * What the window has found.
     *
     * @param size "WIDTH HEIGHT"
     * @param globals the interfaces that the compositor offers
     */
    record Opened(String size, Set<String> globals) {}

    /**
     * Starts the window on a Weston that runs.
     *
     * @param memory "udmabuf", or empty for a memfd
     */
    Opened openWindow(String memory) throws IOException, InterruptedException {
        qemu.console().send("window /run/weston/wayland " + memory);
        Set<String> globals = new HashSet<>();
        while (true) {
            Matcher line = hear("(?:global (\\S+) \\d+|mode (\\d+ \\d+))", SOON);
            if (line.group(2) != null) return new Opened(line.group(2), globals);
            globals.add(line.group(1));
        }
    }

    /** Ends the window. */
    void closeWindow() throws IOException, InterruptedException {
        qemu.console().send("quit");
        assertThat(hear("exit (\\d+)", SOON).group(1)).as("the window's exit status").isEqualTo("0");
    }

    /** Lets the window show more frames; returns the number of the last one. */
    int show(int frames) throws IOException, InterruptedException {
        qemu.console().send("frames " + frames);
        return Integer.parseInt(hear("done (\\d+)", SOON).group(1));
    }

    /** Moves the pointer and returns where the window sees it. */
    DesktopPicture.Pointer point(int x, int y, int width, int height) throws IOException, InterruptedException {
        JsonArray events = new JsonArray();
        events.add(axis("x", (x * WHOLE_AXIS + WHOLE_AXIS / 2) / width));
        events.add(axis("y", (y * WHOLE_AXIS + WHOLE_AXIS / 2) / height));
        JsonObject arguments = new JsonObject();
        arguments.add("events", events);
        qemu.qmp().execute("input-send-event", arguments, SOON);
        Matcher seen = hear("pointer (\\d+) (\\d+)", SOON);
        return new DesktopPicture.Pointer(Integer.parseInt(seen.group(1)), Integer.parseInt(seen.group(2)));
    }

    private static JsonObject axis(String axis, int value) {
        JsonObject data = new JsonObject();
        data.addProperty("axis", axis);
        data.addProperty("value", value);
        JsonObject event = new JsonObject();
        event.addProperty("type", "abs");
        event.add("data", data);
        return event;
    }

    /** What QEMU shows, if it has a screen, and what our device holds of its scan-out, are this picture. */
    void assertShows(Picture expected, String name) throws IOException, InterruptedException {
        if (blobs) {
            assertThat(new SnapshotScreen(gpu, folder.resolve(name + ".png")).await(expected, SOON)
                    .map(Picture.Difference::sentence)).as("what the device shows").isEmpty();
            return;
        }
        assertThat(qemu.awaitScreen(expected, folder.resolve(name + "-qemu.png"), SOON)
                .map(Picture.Difference::sentence)).as("what QEMU shows").isEmpty();
        assertThat(expected.difference(taken()).map(Picture.Difference::sentence)).as("what the device holds")
                .isEmpty();
    }

    /**
     * Looks at the screen while the window draws: it must be, in all its pixels, one and the same frame, whichever it is.
     *
     * @return the frame's number
     */
    int assertShowsOneFrame(int width, int height, DesktopPicture.@Nullable Pointer pointer)
            throws IOException, InterruptedException {
        Picture shown = blobs ? taken() : screen();
        int frame = TestPattern.frame(shown);
        Picture expected = DesktopPicture.picture(width, height, frame, pointer);
        assertThat(expected.difference(shown).map(Picture.Difference::sentence)).as("frame %d on the screen", frame)
                .isEmpty();
        return frame;
    }

    private Picture screen() throws IOException, InterruptedException {
        Path file = folder.resolve("moving-qemu.png");
        qemu.qmp().screendump(file);
        return Picture.read(file);
    }

    private Picture taken() throws IOException, InterruptedException {
        gpu.signal("USR2");
        return Picture.read(Path.of(gpu.output().waitFor("^snapshot (.+)$", SOON).group(1)));
    }

    /** What the GPU has counted; it must have ended. */
    JsonObject statistics() throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve("statistics.json"))).getAsJsonObject();
    }

    @Override
    public void close() throws IOException {
        try {
            qemu.close();
        } finally {
            gpu.close();
        }
    }
}
