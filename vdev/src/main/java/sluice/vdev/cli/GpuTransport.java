package sluice.vdev.cli;

import java.util.Locale;

/** How a GPU is attached to a VM. */
public enum GpuTransport {
    /** As QEMU's vhost-user-gpu-pci, which hands us its display. */
    VHOST_USER,
    /** As any PCI function, whose pictures nobody but we can show. */
    VFIO_USER;

    /** What the command line calls it. */
    String option() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @throws IllegalArgumentException with one sentence, if there is none of this name */
    static GpuTransport of(String option) {
        for (GpuTransport one : values()) if (one.option().equals(option)) return one;
        throw new IllegalArgumentException(
                "--transport=%s is not built, vhost-user and vfio-user are".formatted(option));
    }
}
