package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

import sluice.vdev.device.VirtioDevice;

/** The command line that attaches a device to the QEMU on this host. */
public final class QemuHint {
    private static final String MACHINE = "-machine q35,memory-backend=mem -object memory-backend-memfd,id=mem,size=1G,share=on";
    /** The virtio id of input devices, for which every QEMU has a front-end. */
    private static final int INPUT = 18;
    /** The virtio id of media devices. */
    private static final int MEDIA = 48;
    /** Ids below {@link #LAST_NAMED} that have no name in QEMU 11.1 (virtio_device_names of hw/virtio/virtio.c). */
    private static final Set<Integer> NAMELESS = Set.of(42, 43, 44);
    private static final int LAST_NAMED = 45;

    private QemuHint() {}

    /**
     * For a GPU over vhost-user, which QEMU shows itself where it can.
     *
     * @param isViewed whether its screen is served to viewers anyway
     */
    public static String attachGpu(Path socket, boolean isViewed) throws InterruptedException {
        String options = """
                -machine q35,memory-backend=mem \
                -object memory-backend-memfd,id=mem,size=1G,share=on -vga none \
                -chardev %s \
                -device vhost-user-gpu-pci,chardev=vgpu""".formatted(shell("socket,id=vgpu,path=" + doubled(socket)));
        try {
            QemuBinary qemu = QemuBinary.find(null);
            QemuDisplay display = QemuDisplay.of(qemu, System.getenv());
            return "attach it to QEMU %s with: %s %s %s%s".formatted(qemu.version(), shell(qemu.path().toString()),
                    options,
                    display.argument(), isViewed ? "" : display.remark());
        } catch (IOException e) {
            return "no usable QEMU on this host (%s); attach it elsewhere with: qemu-system-x86_64 %s"
                    .formatted(e.getMessage(), options);
        }
    }

    /**
     * What {@code -device} takes for a PCI function that is served over vfio-user. Commas in a path need no doubling in JSON, but
     * quotes and backslashes need an escape.
     */
    public static String function(Path socket) {
        return function(socket, "");
    }

    /**
     * The same on a bus.
     *
     * @param bus its id, of letters and digits; empty for the machine's own
     */
    public static String function(Path socket, String bus) {
        String path = socket.toString().replace("\\", "\\\\").replace("\"", "\\\"");
        return "{\"driver\":\"%s\",%s\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}".formatted(
                QemuDevice.VFIO_USER.model(), bus.isEmpty() ? "" : "\"bus\":\"%s\",".formatted(bus), path);
    }

    /** A word for a shell, in quotes if it needs them. */
    static String shell(String word) {
        return word.matches("[A-Za-z0-9_./,=:+@%-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /** A path inside a value of QEMU's, where a comma is written twice. */
    private static String doubled(Path path) {
        return path.toString().replace(",", ",,");
    }

    /**
     * For any PCI function.
     *
     * @param hasScreen whether it is a GPU, which QEMU does not show over vfio-user: it adds no second one, and opens no window
     */
    public static String attachFunction(Path socket, boolean hasScreen) throws InterruptedException {
        return attachFunction(socket, hasScreen, HostQemus.ofUser());
    }

    static String attachFunction(Path socket, boolean hasScreen, HostQemus host) {
        return "%s %s -device %s%s".formatted(host.attach(QemuDevice.VFIO_USER, "10.1"), MACHINE,
                shell(function(socket)), hasScreen ? " -vga none -display none" : "");
    }

    /**
     * What not to do with a function that is attached: QEMU 11.1 does not ask vfio-user devices whether they can be migrated, and aborts
     * if one with MSI-X is unplugged (in memory_region_del_subregion).
     */
    public static String warning(boolean hasMsix) {
        return (hasMsix
                ? "do not unplug it (device_del), which aborts QEMU 11.1, and do not migrate the VM, which loses it"
                : "do not migrate the VM, which loses the device") + ": power the VM off instead";
    }

    /**
     * For a virtio device over vhost-user; commas in a path are doubled. If no QEMU attaches a device of its id, it says which does, and
     * how else.
     */
    public static String attachVirtio(VirtioDevice device, Path socket) throws InterruptedException {
        return attachVirtio(device, socket, HostQemus.ofUser());
    }

    static String attachVirtio(VirtioDevice device, Path socket, HostQemus host) {
        String with;
        String model;
        if (device.virtioId() == INPUT) {
            with = "attach it to QEMU with: " + QemuBinary.NAME;
            model = "vhost-user-input-pci,chardev=vdev";
        } else if (device.virtioId() == MEDIA && host.with(QemuDevice.VHOST_USER_MEDIA).isPresent()) {
            with = host.attach(QemuDevice.VHOST_USER_MEDIA, "");
            model = QemuDevice.VHOST_USER_MEDIA.model() + ",chardev=vdev";
        } else if (isNameless(device.virtioId())) {
            return refusal(device.virtioId(), host);
        } else {
            with = host.attach(QemuDevice.VHOST_USER_TEST, "11");
            model = "%s,chardev=vdev,virtio-id=%d,num_vqs=%d,config_size=%d".formatted(
                    QemuDevice.VHOST_USER_TEST.model(), device.virtioId(), device.queueCount(), device.configSize());
        }
        return "%s %s -chardev %s -device %s".formatted(with, MACHINE,
                shell("socket,id=vdev,path=" + doubled(socket)), model);
    }

    /** Whether QEMU 11.1 has no name for devices of an id, without which vhost-user-test-device-pci ends QEMU by an assertion. */
    private static boolean isNameless(int id) {
        return id > LAST_NAMED || NAMELESS.contains(id);
    }

    private static String refusal(int id, HostQemus host) {
        String lack = id == MEDIA ? host.lacks(QemuDevice.VHOST_USER_MEDIA) + ", and " : "";
        String instead = host.with(QemuDevice.VFIO_USER)
                .map(qemu -> ", which QEMU %s of this host attaches".formatted(qemu.version()))
                .orElse(", for QEMU 10.1 or later");
        return "no QEMU here attaches it over vhost-user: %s%s of QEMU 11.1 aborts on virtio id %d; start it with --transport=vfio-user%s%s"
                .formatted(lack, QemuDevice.VHOST_USER_TEST.model(), id, instead,
                        id == MEDIA ? ", or with --virtio-id=31 for a driver of that id" : "");
    }
}
