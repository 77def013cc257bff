package sluice.dmacore.ownership;

/**
 * Somebody other than the CPU who can own cache lines: a device's attachment to a buffer, with one of its streams.
 *
 * @param number of the attachment, for findings and events; one that has a copy has a second holder while it is mapped
 * @param device whose it is, for findings
 * @param coherent whether what it reads and writes goes through the CPU's caches
 */
public record Holder(int number, String device, boolean coherent) {
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
