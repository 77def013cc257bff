package sluice.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.cli.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A Debian kernel's own virtio-gpu driver on each GPU that we can get: pictures are compared pixel by pixel. QEMU's GPU and the
 * C peer prove the fixture; a new GPU is one line in {@link TestGpus}.
 */
@Tag("guest")
class DisplayGuestTest {
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration WORK = Duration.ofSeconds(60);
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int RESETS = 50;
    private static final CacheFolder CACHE = CacheFolder.ofUser();

    static List<GpuProvider> gpus() {
        return TestGpus.all();
    }

    static List<GpuProvider> restartable() {
        return TestGpus.restartable();
    }

    private static GuestImage image() throws IOException, InterruptedException {
        return GuestImage.of(GuestKernel.find(CACHE)).module("virtio-gpu").program(Path.of("/usr/bin/modetest"))
                .build(CACHE);
    }

    private static Qemu boot(Gpu gpu, String deviceOptions, String kernelArguments)
            throws IOException, InterruptedException {
        QemuBinary binary = QemuBinary.find(null);
        GuestImage image = image();
        return new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, CACHE))
                .boot(image, kernelArguments).arguments(gpu.qemuArguments(deviceOptions)).start();
    }

    /** Waits for the pattern program to have shown its last frame, and judges the screen. */
    private static void assertPattern(Qemu qemu, int width, int height) throws IOException, InterruptedException {
        Matcher mode = qemu.console().waitFor("^SLUICE (?:mode (\\d+) (\\d+)|error .*)$", BOOT);
        assertThat(mode.group()).isEqualTo("SLUICE mode " + width + " " + height);
        assertNextPicture(qemu, width, height);
    }

    private static void assertNextPicture(Qemu qemu, int width, int height) throws IOException, InterruptedException {
        Matcher done = qemu.console().waitFor("^SLUICE (?:done (\\d+)|error .*)$", WORK);
        assertThat(done.group()).startsWith("SLUICE done ");
        Picture expected = TestPattern.picture(width, height, Integer.parseInt(done.group(1)));
        assertThat(qemu.awaitScreen(expected, SOON).map(Picture.Difference::sentence)).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("gpus")
    void aFlippedPictureArrivesExactly(GpuProvider provider) throws IOException, InterruptedException {
        try (Gpu gpu = provider.start();
                Qemu qemu = boot(gpu, "", "sluice.run=pattern sluice.frames=60")) {
            assertPattern(qemu, 1280, 800);
            qemu.console().send("flips 15");
            assertNextPicture(qemu, 1280, 800);
            qemu.console().send("quit");
            assertThat(qemu.waitForEnd(WORK)).as("power-off").isZero();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("gpus")
    void anOddModeArrivesExactly(GpuProvider provider) throws IOException, InterruptedException {
        try (Gpu gpu = provider.start();
                Qemu qemu = boot(gpu, "xres=1000,yres=602", "sluice.run=pattern sluice.frames=5 sluice.buffers=3")) {
            assertPattern(qemu, 1000, 602);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("gpus")
    void modetestListsAConnectedScreen(GpuProvider provider) throws IOException, InterruptedException {
        try (Gpu gpu = provider.start();
                Qemu qemu = boot(gpu, "", "sluice.run=modetest")) {
            Matcher status = qemu.console().waitFor("^SLUICE exit (\\d+)$", BOOT);
            List<String> lines = qemu.console().lines();
            assertThat(status.group(1)).as(String.join("\n", lines)).isEqualTo("0");
            assertThat(lines).anyMatch(line -> line.matches("\\d+\\s+\\d+\\s+connected\\s+Virtual-1\\s.*"));
            assertThat(lines).anyMatch(line -> line.contains("1280x800") && line.contains("preferred"));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("restartable")
    void aRebootedGuestDrawsAgain(GpuProvider provider) throws IOException, InterruptedException {
        try (Gpu gpu = provider.start();
                Qemu qemu = boot(gpu, "", "sluice.run=pattern sluice.frames=3 sluice.end=reboot")) {
            for (int round = 0; round < 3; round++) {
                assertPattern(qemu, 1280, 800);
                qemu.console().send("quit");
                qemu.console().waitFor("^SLUICE reboot$", WORK);
            }
            assertPattern(qemu, 1280, 800);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("restartable")
    void aStoppedMachineGoesOn(GpuProvider provider) throws IOException, InterruptedException {
        try (Gpu gpu = provider.start();
                Qemu qemu = boot(gpu, "", "sluice.run=pattern sluice.frames=3")) {
            assertPattern(qemu, 1280, 800);
            for (int round = 0; round < 3; round++) {
                qemu.qmp().execute("stop");
                qemu.qmp().execute("cont");
                qemu.console().send("flips 4");
                assertNextPicture(qemu, 1280, 800);
            }
        }
    }

    /** Resets at five moments of a boot, fifty times; then everything must be as it was after the first boot. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("restartable")
    void fiftyResetsLeaveNothingBehind(GpuProvider provider) throws IOException, InterruptedException {
        List<String> moments = List.of("", "^SLUICE boot", "^SLUICE card", "^SLUICE mode", "^SLUICE shown");
        try (Gpu gpu = provider.start();
                Qemu qemu = boot(gpu, "", "sluice.run=pattern sluice.frames=3")) {
            assertPattern(qemu, 1280, 800);
            int open = openDescriptors(gpu);
            for (int round = 0; round < RESETS; round++) {
                qemu.qmp().forgetEvents();
                qemu.qmp().execute("system_reset");
                qemu.qmp().waitForEvent("RESET", SOON);
                // Most resets come while the firmware runs, because a boot takes seconds; each tenth waits for its moment.
                String moment = round % 10 == 9 ? moments.get(round / 10) : "";
                if (!moment.isEmpty()) qemu.console().waitFor(moment, BOOT);
            }
            qemu.qmp().execute("system_reset");
            qemu.console().waitFor("^SLUICE boot", BOOT);
            assertPattern(qemu, 1280, 800);
            assertThat(openDescriptors(gpu)).as("open descriptors of the back-end").isEqualTo(open);
        }
    }

    private static int openDescriptors(Gpu gpu) throws IOException {
        return gpu instanceof VhostUserGpu process ? process.openDescriptors() : 0;
    }
}
