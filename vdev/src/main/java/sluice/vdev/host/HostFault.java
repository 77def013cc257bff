package sluice.vdev.host;

import java.time.Duration;

import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;

/**
 * One thing that goes wrong on purpose between a device and its machine, whichever device it is. What goes wrong in an address space
 * is a {@link sluice.iommu.injection.Rule} of its.
 */
public sealed interface HostFault {
    /** The number of the interrupt line among a function's interrupts. */
    int LINE = -1;
    /** Any interrupt. */
    int ANY = -2;

    /** Unique in its device; appears in the log and in the report. */
    String name();

    /** On which of the events it acts. */
    Occurrences when();

    /** Something happens to an interrupt. */
    sealed interface OfInterrupt extends HostFault {
        /** An MSI-X vector, over vhost-user a queue; {@link #LINE} or {@link #ANY}. */
        int vector();
    }

    /** Something happens to a write of the device to memory, which is an event if the device can do it. */
    sealed interface OfWrite extends HostFault {
        /** Writes that begin elsewhere are no events. */
        AddressRange range();

        /** Too few, or too many. */
        long bytes();
    }

    /** It is never delivered. */
    record LostInterrupt(String name, Occurrences when, int vector) implements OfInterrupt {}

    /** It is delivered later; the line only if it is still asserted then. */
    record LateInterrupt(String name, Occurrences when, int vector, Duration delay) implements OfInterrupt {}

    /** The last bytes are not written, and the device does not know. */
    record ShortWrite(String name, Occurrences when, AddressRange range, long bytes) implements OfWrite {}

    /** Bytes behind its end are written, too, if the device reaches them. */
    record Overrun(String name, Occurrences when, AddressRange range, long bytes) implements OfWrite {}

    /** An unmap of the front-end's is refused, and the device goes on reaching the memory. */
    record FailUnmap(String name, Occurrences when, int errno) implements HostFault {}
}
