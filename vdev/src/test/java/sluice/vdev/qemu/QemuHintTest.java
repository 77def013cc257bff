package sluice.vdev.qemu;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

/** The command line names a QEMU of the host that attaches the device; if there is none, it says which does. */
class QemuHintTest {
    private static final Path SOCKET = Path.of("/tmp/c.sock");
    private static final InstalledQemu OLD = qemu("7.2.22", QemuDevice.VHOST_USER_GPU);
    private static final InstalledQemu DEBIAN_13 = qemu("10.0.2", QemuDevice.VHOST_USER_GPU);
    private static final InstalledQemu STOCK_11 = qemu("11.1.3", QemuDevice.VHOST_USER_GPU, QemuDevice.VFIO_USER,
            QemuDevice.VHOST_USER_TEST);
    private static final InstalledQemu WITH_MEDIA = qemu("12.0.0", QemuDevice.values());

    private static InstalledQemu qemu(String version, QemuDevice... devices) {
        return new InstalledQemu(new QemuBinary(Path.of("/opt/" + version + "/" + QemuBinary.NAME), version),
                Set.of(devices));
    }

    private static HostQemus host(InstalledQemu... all) {
        return new HostQemus(List.of(all), "");
    }

    /** A device of which only its description is asked for. */
    private record Described(int virtioId) implements VirtioDevice {
        @Override
        public int queueCount() {
            return 2;
        }

        @Override
        public int configSize() {
            return 40;
        }

        @Override
        public void start(long features, DeviceContext context) {
            throw new AssertionError();
        }

        @Override
        public void startQueue(int index, Virtqueue queue) {
            throw new AssertionError();
        }

        @Override
        public void stopQueue(int index) {
            throw new AssertionError();
        }

        @Override
        public void notified(int index) {
            throw new AssertionError();
        }

        @Override
        public void reset() {
            throw new AssertionError();
        }

        @Override
        public void close() {
            throw new AssertionError();
        }
    }

    private static String virtio(int id, InstalledQemu... all) {
        return QemuHint.attachVirtio(new Described(id), SOCKET, host(all));
    }

    @Test
    void theFirstThatHasVfioUserIsNamed() {
        assertThat(QemuHint.attachFunction(SOCKET, false, host(DEBIAN_13, OLD, STOCK_11, WITH_MEDIA)))
                .startsWith("attach it to QEMU 11.1.3 with: /opt/11.1.3/qemu-system-x86_64 -machine q35")
                .endsWith(
                        " -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"/tmp/c.sock\"}}'");
    }

    @Test
    void whatIsHereInsteadIsSaid() {
        assertThat(QemuHint.attachFunction(SOCKET, true, host(DEBIAN_13, OLD)))
                .startsWith(
                        "attach it to QEMU 10.1 or later (QEMU 10.0.2 and 7.2.22 on this host have no vfio-user-pci)"
                                + " with: qemu-system-x86_64 -machine q35")
                .endsWith(" -vga none -display none");
        assertThat(QemuHint.attachFunction(SOCKET, false, host()))
                .startsWith("attach it to QEMU 10.1 or later (there is no QEMU on this host) with: ");
        assertThat(QemuHint.attachFunction(SOCKET, false, new HostQemus(List.of(), "no permission to read x")))
                .startsWith("attach it to QEMU 10.1 or later (no permission to read x) with: ");
    }

    @Test
    void aFreeIdIsForTheTestDevice() {
        assertThat(virtio(31, DEBIAN_13, STOCK_11))
                .startsWith("attach it to QEMU 11.1.3 with: /opt/11.1.3/qemu-system-x86_64 -machine q35")
                .endsWith(" -chardev socket,id=vdev,path=/tmp/c.sock"
                        + " -device vhost-user-test-device-pci,chardev=vdev,virtio-id=31,num_vqs=2,config_size=40");
        assertThat(virtio(31, DEBIAN_13)).startsWith(
                "attach it to QEMU 11 or later (QEMU 10.0.2 on this host has no vhost-user-test-device-pci) with: qemu");
        assertThat(virtio(18, DEBIAN_13)).startsWith("attach it to QEMU with: qemu-system-x86_64 ")
                .endsWith(" -device vhost-user-input-pci,chardev=vdev");
    }

    @Test
    void theIdOfMediaDevicesIsForAQemuThatKnowsThem() {
        assertThat(virtio(48, STOCK_11, WITH_MEDIA))
                .startsWith("attach it to QEMU 12.0.0 with: /opt/12.0.0/qemu-system-x86_64 -machine q35")
                .endsWith(" -device vhost-user-media-pci,chardev=vdev");
        assertThat(virtio(48, DEBIAN_13, STOCK_11)).isEqualTo(
                "no QEMU here attaches it over vhost-user: QEMU 10.0.2 and 11.1.3 on this host have no vhost-user-media-pci,"
                        + " and vhost-user-test-device-pci of QEMU 11.1 aborts on virtio id 48; start it with"
                        + " --transport=vfio-user, which QEMU 11.1.3 of this host attaches, or with --virtio-id=31 for a"
                        + " driver of that id");
        assertThat(virtio(48, OLD)).contains("start it with --transport=vfio-user, for QEMU 10.1 or later, or with");
    }

    @ParameterizedTest
    @ValueSource(ints = { 42, 43, 44, 46, 47, 49, 63 })
    void othersThatAbortQemuAreRefused(int id) {
        assertThat(virtio(id, STOCK_11, WITH_MEDIA)).isEqualTo(
                "no QEMU here attaches it over vhost-user: vhost-user-test-device-pci of QEMU 11.1 aborts on virtio id "
                        + id + "; start it with --transport=vfio-user, which QEMU 11.1.3 of this host attaches");
    }
}
