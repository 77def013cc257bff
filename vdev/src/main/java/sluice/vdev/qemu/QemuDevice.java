package sluice.vdev.qemu;

/** The devices of QEMU that are emulated by another process, as far as Sluice uses them. */
public enum QemuDevice {
    /** A GPU over vhost-user, with a display socket. */
    VHOST_USER_GPU("vhost-user-gpu-pci"),
    /** Any PCI function over vfio-user. */
    VFIO_USER("vfio-user-pci"),
    /** A virtio device of almost any type over vhost-user, with shared memory; documented as for development only. */
    VHOST_USER_TEST("vhost-user-test-device-pci"),
    /** A virtio-media device over vhost-user; not in QEMU 11.1. */
    VHOST_USER_MEDIA("vhost-user-media-pci");

    private final String model;

    QemuDevice(String model) {
        this.model = model;
    }

    /** What {@code -device} calls it. */
    public String model() {
        return model;
    }
}
