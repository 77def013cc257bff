package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

/**
 * An owner of cache lines other than the CPU: a device's attachment to a buffer, with one of its streams.
 *
 * @param number of the attachment, for findings and events; an attachment with a bounce buffer has a second holder
 * while it is mapped
 * @param device name of the device, for findings
 * @param coherent whether its accesses snoop the CPU's caches
 * @param copy its bounce buffer, or null
 */
public record Holder(int number, String device, boolean coherent, @Nullable DeviceCopy copy) {
    /** A holder without a bounce buffer. */
    public Holder(int number, String device, boolean coherent) {
        this(number, device, coherent, null);
    }

    /** Identity comparison. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return number;
    }
}
