package sluice.guest;

import java.io.IOException;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.vdev.feed.InputProvider;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.qemu.QemuHint;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What QEMU 11.1 does when Sluice is gone, as the table in {@code vdev/USAGE.md} says it to users: if a newer QEMU does better, the table
 * changes. {@link LibvirtGuestTest} has the line of the GPU.
 */
@Tag("guest")
class SluiceEndsTest {
    /** Of a process that abort(3) has ended, by {@link Process#exitValue}. */
    private static final int ABORTED = 128 + 6;

    private static void abortsAtTheNextReset(ServedDevice device, List<String> arguments) throws Exception {
        try (device; Qemu qemu = new QemuLaunch(TestQemu.QEMU_11.binary()).arguments(arguments).start()) {
            device.close();
            resetUnlessEnded(qemu);
            assertThat(qemu.waitForEnd(TestGuest.WORK)).as(qemu.errors()).isEqualTo(ABORTED);
        }
    }

    /** The firmware resets devices, too: QEMU may have ended before the answer. */
    private static void resetUnlessEnded(Qemu qemu) throws Exception {
        try {
            qemu.qmp().execute("system_reset");
        } catch (IOException e) {
            assertThat(qemu.waitForEnd(TestGuest.WORK)).as("QEMU has ended: %s", e).isEqualTo(ABORTED);
        }
    }

    @Test
    void behindVfioUser() throws Exception {
        ServedDevice grabber = new ServedDevice(new GrabberProvider());
        abortsAtTheNextReset(grabber, List.of("-device", QemuHint.function(grabber.socket())));
    }

    @Test
    void behindAnInputDevice() throws Exception {
        ServedDevice keyboard = new ServedDevice(new InputProvider());
        abortsAtTheNextReset(keyboard, List.of("-chardev", "socket,id=kbd,path=" + keyboard.socket(), "-device",
                "vhost-user-input-pci,chardev=kbd"));
    }
}
