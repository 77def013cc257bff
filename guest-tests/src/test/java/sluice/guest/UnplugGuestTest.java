package sluice.guest;

import java.util.List;

import com.google.gson.JsonObject;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.feed.InputProvider;
import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.qemu.QemuHint;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** Unplugging a function with MSI-X aborts QEMU 11.1, of which the attach line warns: if a newer QEMU does better, the warning goes. */
@Tag("guest")
@Tag("matrix")
@Timeout(300)
class UnplugGuestTest {
    /** Of a process that abort(3) has ended, by {@link Process#exitValue}. */
    private static final int ABORTED = 128 + 6;

    static List<TestQemu> versions() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("versions")
    void qemuAborts(TestQemu version) throws Exception {
        QemuBinary binary = version.binary();
        try (ServedDevice tablet = new ServedDevice(new InputProvider(), "transport", "vfio-user");
                Qemu qemu = new QemuLaunch(binary)
                        .boot(PatternGuest.image(binary), "sluice.run=nothing sluice.end=wait")
                        .arguments("-device", "pcie-root-port,id=rp,slot=1", "-device",
                                QemuHint.function(tablet.socket(), "rp").replaceFirst("\\{", "{\"id\":\"unplugged\","))
                        .start()) {
            qemu.console().waitFor("^SLUICE boot", TestGuest.BOOT);
            JsonObject device = new JsonObject();
            device.addProperty("id", "unplugged");
            qemu.qmp().execute("device_del", device, TestGuest.SOON);
            assertThat(qemu.waitForEnd(TestGuest.WORK)).as(qemu.errors()).isEqualTo(ABORTED);
            assertThat(qemu.errors()).contains("memory_region_del_subregion");
        }
    }
}
