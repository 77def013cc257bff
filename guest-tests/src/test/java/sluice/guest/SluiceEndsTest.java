package sluice.guest;

import java.io.IOException;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.feed.InputProvider;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.qemu.QemuHint;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * What QEMU does when Sluice is gone, as the table in {@code vdev/USAGE.md} says it to users: if a newer QEMU does better, the table
 * changes.
 */
@Tag("guest")
class SluiceEndsTest {
    /** Of a process that abort(3) has ended, by {@link Process#exitValue}. */
    private static final int ABORTED = 128 + 6;
    /** The grabber's identity. */
    private static final int VENDOR = 0x8086;
    private static final int DEVICE = 0x1223;

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

    /** QEMU goes on, also after a reset, but no driver gets an answer again. */
    @ParameterizedTest
    @EnumSource(names = { "QEMU_10", "QEMU_11" })
    void behindAVhostUserGpu(TestQemu version) throws Exception {
        try (VhostUserGpu gpu = (VhostUserGpu) TestGpus.sluice().start();
                Qemu qemu = new QemuLaunch(version.binary()).memory(128).qtest()
                        .arguments(gpu.qemuArguments(QtestGpu.SIZE)).start()) {
            QtestGpu driver = new QtestGpu(qemu);
            driver.show();
            driver.draw(1);
            gpu.process().destroyForcibly().waitFor();
            assertThatThrownBy(driver::display).isInstanceOf(IOException.class);
            qemu.qmp().execute("system_reset");
            qemu.qmp().waitForEvent("RESET", TestGuest.WORK);
            QtestGpu again = new QtestGpu(qemu);
            assertThatThrownBy(again::display).isInstanceOf(IOException.class);
            assertThat(qemu.qmp().execute("query-status").getAsJsonObject().get("status").getAsString())
                    .isEqualTo("running");
            // QEMU 11.1 says it again and again, and nothing else fits into what is kept.
            assertThat(qemu.errors()).contains("failed to read msg header");
        }
    }

    /** Reads fail, and QEMU goes on until the next reset. */
    @Test
    void behindVfioUserWithoutAReset() throws Exception {
        ServedDevice grabber = new ServedDevice(new GrabberProvider());
        try (grabber;
                Qemu qemu = new QemuLaunch(TestQemu.QEMU_11.binary()).memory(128).qtest()
                        .arguments("-device", QemuHint.function(grabber.socket())).start()) {
            PciDevice function = PciDevice.find(qemu.qtest(), VENDOR, DEVICE);
            long registers = function.bar(0);
            grabber.close();
            assertThat(qemu.qtest().readl(registers)).isEqualTo(-1);
            assertThat(qemu.qmp().execute("query-status").getAsJsonObject().get("status").getAsString())
                    .isEqualTo("running");
            assertThat(qemu.errors()).contains("failed to read header");
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
