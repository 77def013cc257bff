package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.Path;

import sluice.vdev.device.VirtioDevice;

/** The command line that attaches a device to the QEMU on this host. */
public final class QemuHint {
    /** The virtio id of input devices, for which every QEMU has a front-end. */
    private static final int INPUT = 18;

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

    /** A path inside a value of QEMU's, where a comma is written twice. */
    private static String doubled(Path path) {
        return path.toString().replace(",", ",,");
    }

    /** A word for a shell, in quotes if it needs them. */
    private static String shell(String word) {
        return word.matches("[A-Za-z0-9_./,=:+@%-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }

    /**
     * For any PCI function.
     *
     * @param hasScreen whether it is a GPU, which QEMU does not show over vfio-user: it adds no second one, and opens no window
     */
    public static String attachFunction(Path socket, boolean hasScreen) {
        String options = """
                -machine q35,memory-backend=mem \
                -object memory-backend-memfd,id=mem,size=1G,share=on \
                -device %s%s""".formatted(shell(function(socket)), hasScreen ? " -vga none -display none" : "");
        return "attach it to QEMU 10.1 or later with: qemu-system-x86_64 " + options;
    }

    /** For a virtio device; commas in a path are doubled. */
    public static String attachVirtio(VirtioDevice device, Path socket) {
        boolean input = device.virtioId() == INPUT;
        String model = input
                ? "vhost-user-input-pci,chardev=vdev"
                : "%s,chardev=vdev,virtio-id=%d,num_vqs=%d,config_size=%d".formatted(
                        QemuDevice.VHOST_USER_TEST.model(), device.virtioId(), device.queueCount(),
                        device.configSize());
        String options = """
                -machine q35,memory-backend=mem \
                -object memory-backend-memfd,id=mem,size=1G,share=on \
                -chardev %s \
                -device %s""".formatted(shell("socket,id=vdev,path=" + doubled(socket)), model);
        return "attach it to QEMU%s with: qemu-system-x86_64 %s".formatted(input ? "" : " 11 or later", options);
    }
}
