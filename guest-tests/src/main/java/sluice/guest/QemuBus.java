package sluice.guest;

import java.util.List;

/**
 * A PCI bus that a machine has besides its own.
 *
 * @param id for {@code bus=} of a device
 * @param devices what {@code -device} of QEMU takes for it, in JSON, whose order QEMU keeps: after all devices without a bus, which it may
 * put on this one
 */
public record QemuBus(String id, List<String> devices) {
    /** No other: the machine's own. */
    public static final QemuBus NONE = new QemuBus("", List.of());
}
