package sluice.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

import com.google.gson.JsonObject;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.feed.InputProvider;
import sluice.vdev.grabber.GrabberProvider;
import sluice.vdev.qemu.QemuHint;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** No device can be migrated: QEMU says so of vhost-user devices, and of vfio-user devices does not ask; the attach line warns of that. */
@Tag("qtest")
class MigrationQtestTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private static void migrate(Qemu qemu) throws IOException, InterruptedException {
        JsonObject arguments = new JsonObject();
        arguments.addProperty("uri", "exec:cat >/dev/null");
        qemu.qmp().execute("migrate", arguments, LIMIT);
    }

    private static Qemu machine(TestQemu version, List<String> device) throws IOException, InterruptedException {
        return new QemuLaunch(version.binary()).memory(128).qtest().arguments(device).start();
    }

    @ParameterizedTest
    @EnumSource(names = { "QEMU_10", "QEMU_11" })
    void ofAVhostUserDeviceItIsRefused(TestQemu version) throws Exception {
        try (ServedDevice keyboard = new ServedDevice(new InputProvider());
                Qemu qemu = machine(version, List.of("-chardev", "socket,id=kbd,path=" + keyboard.socket(), "-device",
                        "vhost-user-input-pci,chardev=kbd"))) {
            assertThatThrownBy(() -> migrate(qemu)).isInstanceOf(IOException.class).hasMessageContaining("vhost");
        }
        try (VhostUserGpu gpu = (VhostUserGpu) TestGpus.sluice().start();
                Qemu qemu = machine(version, gpu.qemuArguments(QtestGpu.SIZE))) {
            assertThatThrownBy(() -> migrate(qemu)).isInstanceOf(IOException.class).hasMessageContaining("vhost");
        }
    }

    /** If a newer QEMU refuses it, the warning goes. */
    @Test
    void ofAVfioUserDeviceItIsNotRefused() throws Exception {
        try (ServedDevice grabber = new ServedDevice(new GrabberProvider());
                Qemu qemu = machine(TestQemu.QEMU_11, List.of("-device", QemuHint.function(grabber.socket())))) {
            assertThatCode(() -> migrate(qemu)).doesNotThrowAnyException();
        }
    }
}
