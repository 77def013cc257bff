package sluice.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;

import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A compositor of Debian on our GPU: Weston composes, by pixman, a window of two layers and the pointer, and what it must come
 * to is computed here. One machine is started for a QEMU, and the checks are made on it in their order.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}", allowZeroInvocations = true)
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class WestonGuestTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;
    private static final int SECONDS = Configurations.count(15, 30);
    private static final int LOOK_EVERY = 5;

    private static @Nullable DesktopGuest running;
    private static int framesShown;
    private static DesktopPicture.@Nullable Pointer pointer;

    private final Machine machine;
    private final DesktopGuest guest = Objects.requireNonNull(running, "a machine was started before");

    /** A machine. */
    enum Machine {
        QEMU_10(TestQemu.QEMU_10, false),
        QEMU_11(TestQemu.QEMU_11, false),
        /** Our GPU has blobs: Weston's buffers are scanned out in place. */
        BLOBS(TestQemu.QEMU_11, true);

        private final TestQemu qemu;
        private final boolean blobs;

        Machine(TestQemu qemu, boolean blobs) {
            this.qemu = qemu;
            this.blobs = blobs;
        }
    }

    WestonGuestTest(Machine machine) {
        this.machine = machine;
    }

    static List<Machine> configurations() {
        return Configurations.of(List.of(), List.of(Machine.values()));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Machine machine) throws IOException, InterruptedException {
        pointer = null;
        running = DesktopGuest.boot(machine.qemu, machine.blobs, List.of());
    }

    @AfterParameterizedClassInvocation
    static void end() throws IOException {
        DesktopGuest ended = running;
        running = null;
        if (ended != null) ended.close();
    }

    @Test
    @Order(1)
    void theFirstFramesAreComposedExactly() throws IOException, InterruptedException {
        String kernel = guest.hear("boot (.*)", DesktopGuest.BOOT).group(1);
        assertThat(kernel).startsWith(machine.qemu == TestQemu.QEMU_11 ? "7." : "6.12.");
        guest.hear("ready", DesktopGuest.BOOT);
        assertThat(guest.open()).isEqualTo(WIDTH + " " + HEIGHT);
        framesShown = guest.show(10);
        guest.assertShows(expected(), "first");
    }

    @Test
    @Order(2)
    void thePointerIsWhereItWasMoved() throws IOException, InterruptedException {
        pointer = guest.point(300, 500, WIDTH, HEIGHT);
        assertThat(pointer.x()).isBetween(299, 301);
        assertThat(pointer.y()).isBetween(499, 501);
        framesShown = guest.show(2);
        guest.assertShows(expected(), "pointer");
    }

    /** Every second of the minute the window has gone on, and each look at the screen sees one whole frame, a later one. */
    @Test
    @Order(3)
    void aMinuteOfDrawing() throws IOException, InterruptedException {
        guest.qemu().console().send("run " + SECONDS);
        int last = framesShown;
        int lastSeen = framesShown;
        int seconds = 0;
        while (true) {
            Matcher line = guest.hear("(frame|done) (\\d+)", SOON);
            int frame = Integer.parseInt(line.group(2));
            if (line.group(1).equals("done")) {
                assertThat(frame).as("the last frame").isGreaterThanOrEqualTo(last);
                last = frame;
                break;
            }
            assertThat(frame).as("the frame after %d s", seconds).isGreaterThan(last);
            last = frame;
            seconds++;
            if (seconds % LOOK_EVERY != 0) continue;
            int seen = guest.assertShowsOneFrame(WIDTH, HEIGHT, pointer);
            assertThat(seen).as("the frame on the screen after %d s", seconds).isGreaterThan(lastSeen);
            lastSeen = seen;
        }
        assertThat(seconds).as("seconds the window has counted").isGreaterThanOrEqualTo(SECONDS - 1);
        framesShown = last;
        guest.assertShows(expected(), "last");
    }

    /**
     * With pixman, Weston imports no dma-bufs. It maps one that comes as a wl_shm pool, and composes it, so the only copy is its own
     * drawing.
     */
    @Test
    @Order(4)
    void aDmaBufIsMappedAndNotImported() throws IOException, InterruptedException {
        guest.closeWindow();
        DesktopGuest.Opened opened = guest.openWindow("udmabuf");
        assertThat(opened.globals()).contains("wl_shm").doesNotContain("zwp_linux_dmabuf_v1", "wl_drm");
        assertThat(opened.size()).isEqualTo(WIDTH + " " + HEIGHT);
        framesShown = guest.show(3);
        pointer = guest.point(900, 400, WIDTH, HEIGHT);
        framesShown = guest.show(4);
        guest.assertShows(expected(), "udmabuf");
    }

    @Test
    @Order(5)
    void nobodyHasComplained() throws IOException, InterruptedException {
        guest.closeWindow();
        guest.run("! dmesg -r | grep '^<[0-3]>'"); // the kernel's levels from emergency to error
        guest.qemu().console().send("poweroff -f");
        assertThat(guest.qemu().waitForEnd(SOON)).as("QEMU's status").isZero();
        assertThat(guest.gpu().errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(guest.gpu().terminate(SOON)).as("the GPU process's status").isZero();
        JsonObject statistics = guest.statistics();
        assertThat(statistics.get("frames").getAsInt()).isGreaterThanOrEqualTo(framesShown);
        assertThat(statistics.get("refusedCommands").getAsInt()).isZero();
        assertThat(statistics.get("unknownCommands").getAsInt()).isZero();
        if (machine.blobs) {
            JsonObject copied = statistics.getAsJsonObject("copiedBytes");
            assertThat(copied.get("transfer").getAsLong() + copied.get("update").getAsLong()).as("bytes copied")
                    .isZero();
        }
    }

    private static Picture expected() {
        return DesktopPicture.picture(WIDTH, HEIGHT, framesShown, pointer);
    }
}
