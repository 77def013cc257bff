package sluice.guest;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The C peer {@code vhost-user-gpu} on the same machine as ours: it proves that the checks ask for no more than a front-end and
 * a kernel do. It is not asked to survive a restart, for 10.0.2 does not: after a guest's reboot its GET_DISPLAY_INFO gives no
 * size, and after stop and cont it closes the display socket and answers no more.
 */
@Tag("guest")
class CPeerGuestTest {
    @Test
    void aFlippedPictureArrivesExactly() throws IOException, InterruptedException {
        try (Gpu gpu = GpuProvider.peer().start();
                Qemu qemu = PatternGuest.boot(TestQemu.QEMU_10.binary(), gpu.qemuArguments())) {
            PatternGuest guest = new PatternGuest(qemu, 1280, 800);
            guest.awaitReady();
            guest.draw(60, 2);
            guest.flip(15);
            guest.quit();
        }
    }
}
