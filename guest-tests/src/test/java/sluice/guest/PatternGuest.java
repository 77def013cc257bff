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
    static final Duration BOOT = Duration.ofSeconds(60);
    static final Duration WORK = Duration.ofSeconds(60);
    private static final Duration SOON = Duration.ofSeconds(10);

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

    /** Starts a machine that boots the kernel of its time with the virtio-gpu driver, the pattern program and modetest. */
    static Qemu boot(QemuBinary binary, List<String> gpu) throws IOException, InterruptedException {
        GuestImage image = GuestImage.of(GuestKernel.forQemu(binary, TestQemu.CACHE)).module("virtio-gpu")
                .program(Path.of("/usr/bin/modetest")).build(TestQemu.CACHE);
        return new QemuLaunch(binary).accelerator(Accelerator.best(binary, image, TestQemu.CACHE))
                .boot(image, "sluice.run=serve").arguments(gpu).start();
    }

    /** Waits until the guest takes commands. */
    void awaitReady() throws IOException, InterruptedException {
        awaitReady(qemu);
    }

    /** The same for a machine that has just been started: no check may depend on one before it that waits. */
    static void awaitReady(Qemu started) throws IOException, InterruptedException {
        started.console().waitFor("^SLUICE ready$", BOOT);
    }

    /** Waits for the end of a command, which must be a good one. */
    void awaitExit() throws IOException, InterruptedException {
        Matcher exit = qemu.console().waitFor("^SLUICE exit (\\d+)$", WORK);
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
        Matcher mode = qemu.console().waitFor("^SLUICE (?:mode (\\d+) (\\d+)|error .*)$", WORK);
        assertThat(mode.group()).isEqualTo("SLUICE mode " + width + " " + height);
        assertPicture();
    }

    /** Flips on. */
    void flip(int flips) throws IOException, InterruptedException {
        qemu.console().send("flips " + flips);
        assertPicture();
    }

    /** Ends the program. */
    void quit() throws IOException, InterruptedException {
        qemu.console().send("quit");
        awaitExit();
    }

    private void assertPicture() throws IOException, InterruptedException {
        Matcher done = qemu.console().waitFor("^SLUICE (?:done (\\d+)|error .*)$", WORK);
        assertThat(done.group()).startsWith("SLUICE done ");
        Picture expected = TestPattern.picture(width, height, Integer.parseInt(done.group(1)));
        assertThat(screen.await(expected, SOON).map(Picture.Difference::sentence)).isEmpty();
    }
}
