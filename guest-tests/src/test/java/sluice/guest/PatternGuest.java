package sluice.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;

import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

/** A guest that takes commands on its console, and its program that draws the test pattern. */
final class PatternGuest {

    private final Qemu qemu;
    private final Screen screen;
    private final int width;
    private final int height;

    /** Where the pictures of a guest are seen. */
    interface Screen {
        /** Looks until the picture is the expected one, or the limit is over; returns how the last look differed, or empty. */
        Optional<Picture.Difference> await(Picture expected, Duration limit) throws IOException, InterruptedException;
    }

    /**
     * A guest with QEMU's screen.
     *
     * @param width what the screen must have, in pixels
     */
    PatternGuest(Qemu qemu, int width, int height) {
        this(qemu, qemu::awaitScreen, width, height);
    }

    /** The same with another screen. */
    PatternGuest(Qemu qemu, Screen screen, int width, int height) {
        this.qemu = qemu;
        this.screen = screen;
        this.width = width;
        this.height = height;
    }

    /** The kernel of a QEMU's time with the drivers of GPU and IOMMU, the pattern program and modetest. */
    static GuestImage image(QemuBinary binary) throws IOException, InterruptedException {
        return GuestImage.of(GuestKernel.forQemu(binary, TestQemu.CACHE)).module("virtio-iommu").module("virtio-gpu")
                .program(Path.of("/usr/bin/modetest")).build(TestQemu.CACHE);
    }

    /** Starts a machine that boots it. */
    static Qemu boot(QemuBinary binary, List<String> gpu) throws IOException, InterruptedException {
        GuestImage image = image(binary);
        return new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, TestQemu.CACHE))
                .boot(image, "sluice.run=serve").arguments(gpu).start();
    }

    /** Waits until the guest takes commands. */
    void awaitReady() throws IOException, InterruptedException {
        qemu.console().waitFor("^SLUICE ready$", TestGuest.BOOT);
    }

    /** Waits for the end of a command, which must be a good one. */
    void awaitExit() throws IOException, InterruptedException {
        Matcher exit = qemu.console().waitFor("^SLUICE exit (\\d+)$", TestGuest.WORK);
        assertThat(exit.group(1)).as("exit status of the guest's command").isEqualTo("0");
    }

    /** Lets the program show a picture and flip; it stays there for {@link #flip} until {@link #quit}. */
    void draw(int flips, int buffers) throws IOException, InterruptedException {
        qemu.console().send("pattern " + flips + " " + buffers);
        assertModeAndPicture();
    }

    /** Lets the program that shows a picture take the screen's present size. */
    void takeSize() throws IOException, InterruptedException {
        qemu.console().send("remode");
        assertModeAndPicture();
    }

    private void assertModeAndPicture() throws IOException, InterruptedException {
        Matcher mode = qemu.console().waitFor("^SLUICE (?:mode (\\d+) (\\d+)|error .*)$", TestGuest.WORK);
        assertThat(mode.group()).isEqualTo("SLUICE mode " + width + " " + height);
        assertPicture();
    }

    /** Flips on. */
    void flip(int flips) throws IOException, InterruptedException {
        qemu.console().send("flips " + flips);
        assertPicture();
    }

    /** Draws, and goes on after each of three pauses of the machine. */
    void drawAcrossPauses(TestGuest machine, int flips, int buffers, int more)
            throws IOException, InterruptedException {
        draw(flips, buffers);
        for (int round = 0; round < 3; round++) {
            machine.pause();
            flip(more);
        }
        quit();
    }

    /** Ends the program. */
    void quit() throws IOException, InterruptedException {
        qemu.console().send("quit");
        awaitExit();
    }

    private void assertPicture() throws IOException, InterruptedException {
        Matcher done = qemu.console().waitFor("^SLUICE (?:done (\\d+)|error .*)$", TestGuest.WORK);
        assertThat(done.group()).startsWith("SLUICE done ");
        Picture expected = TestPattern.picture(width, height, Integer.parseInt(done.group(1)));
        assertThat(screen.await(expected, TestGuest.SOON).map(Picture.Difference::sentence)).isEmpty();
    }
}
