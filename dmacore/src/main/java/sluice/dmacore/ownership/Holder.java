package sluice.dmacore.ownership;

import org.jspecify.annotations.Nullable;

/**
 * Somebody other than the CPU who can own cache lines: a device's attachment to a buffer, with one of its streams.
 *
 * @param number of the attachment, for findings and events; one that has a copy has a second holder while it is mapped
 * @param device whose it is, for findings
 * @param coherent whether what it reads and writes goes through the CPU's caches
 * @param copy what the device uses instead of the buffer's memory, if it does
 */
public record Holder(int number, String device, boolean coherent, @Nullable DeviceCopy copy) {
    /** One that uses the buffer's memory. */
    public Holder(int number, String device, boolean coherent) {
        this(number, device, coherent, null);
    }

    /** Attachments are told apart by who they are. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return number;
    }
}
