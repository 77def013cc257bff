package sluice.vdev.qemu;

/** The devices by which QEMU lets another process emulate one, as far as Sluice has to do with them. */
public enum QemuDevice {
    /** A GPU over vhost-user, with a display socket. */
    VHOST_USER_GPU("vhost-user-gpu-pci"),
    /** Any PCI function over vfio-user. */
    VFIO_USER("vfio-user-pci"),
    /** A virtio device of almost any type over vhost-user, with shared memory; documented as for development only. */
    VHOST_USER_TEST("vhost-user-test-device-pci");

    private final String model;

    QemuDevice(String model) {
        this.model = model;
    }

    /** What {@code -device} calls it. */
    public String model() {
        return model;
    }
}
