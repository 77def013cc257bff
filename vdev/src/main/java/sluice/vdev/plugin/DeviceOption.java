package sluice.vdev.plugin;

import java.util.List;

/**
 * An option of a device, as {@code ./sluice serve --list} tells it.
 *
 * @param name small letters, digits and hyphens
 * @param value what it is set to, such as {@code N} or {@code FILE}; empty for an option that is either there or not
 * @param description one line
 * @param repeatable whether it may be given more than once
 */
public record DeviceOption(String name, String value, String description, boolean repeatable) {
    /**
     * Where the front-end comes from, what it speaks, whether the device snoops, and what is to go wrong: the options that need
     * no provider.
     */
    public static final List<DeviceOption> OF_EVERY_DEVICE = List.of(
            new DeviceOption("socket-path", "PATH",
                    "Listen on this UNIX socket; serves one front-end after the other."),
            new DeviceOption("fd", "N", "Serve the front-end at the other end of this inherited socket."),
            new DeviceOption("transport", "NAME",
                    "vhost-user, which virtio devices default to, or vfio-user, which carries every device."),
            new DeviceOption("coherency", "KIND",
                    "coherent (default): it snoops the CPU's caches. non-coherent, for a PCI function behind an IOMMU: it sees what was mapped for it, and the guest what was unmapped."),
            new DeviceOption("inject", "FAULT",
                    "For a PCI function: let something go wrong in its DMA, with commas written twice: deny, delay, poison or fail-map, as the grabber's option has them. May be repeated.",
                    true));

    /** An option that may be given once. */
    public DeviceOption(String name, String value, String description) {
        this(name, value, description, false);
    }

    /** As one writes it: {@code name=VALUE}. */
    @Override
    public String toString() {
        return value.isEmpty() ? name : name + "=" + value;
    }
}
