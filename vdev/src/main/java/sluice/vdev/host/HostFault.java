package sluice.vdev.host;

import java.time.Duration;

import sluice.iommu.AddressRange;
import sluice.iommu.injection.Occurrences;

/**
 * An injected fault between a device and its machine, for any device. Faults of an address space are {@link
 * sluice.iommu.injection.Rule}s.
 */
public sealed interface HostFault {
    /** The number of the interrupt line among a function's interrupts. */
    int LINE = -1;
    /** Any interrupt. */
    int ANY = -2;

    /** Unique in its device; appears in the log and in the report. */
    String name();

    /** The events on which it acts. */
    Occurrences when();

    /** A fault of an interrupt. */
    sealed interface OfInterrupt extends HostFault {
        /** An MSI-X vector, over vhost-user a queue; {@link #LINE} or {@link #ANY}. */
        int vector();
    }

    /** A fault of a device's write to memory; a write counts as an event if it is possible. */
    sealed interface OfWrite extends HostFault {
        /** Writes that begin elsewhere are not events. */
        AddressRange range();

        /** Missing or additional bytes. */
        long bytes();
    }

    /** The interrupt is never delivered. */
    record LostInterrupt(String name, Occurrences when, int vector) implements OfInterrupt {}

    /** The interrupt is delivered later; INTx only if it is still asserted then. */
    record LateInterrupt(String name, Occurrences when, int vector, Duration delay) implements OfInterrupt {}

    /** The last bytes are not written, unnoticed by the device. */
    record ShortWrite(String name, Occurrences when, AddressRange range, long bytes) implements OfWrite {}

    /** Bytes after its end are written, too, if the device can access them. */
    record Overrun(String name, Occurrences when, AddressRange range, long bytes) implements OfWrite {}

    /** An unmap of the front-end is refused, and the device can still access the memory. */
    record FailUnmap(String name, Occurrences when, int errno) implements HostFault {}
}
