package sluice.iommu.fault;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;

/**
 * One refused access.
 *
 * @param sequence number of the fault in its log, from 1
 * @param nanos when, as {@link System#nanoTime} counts
 * @param device name of the address space
 * @param context what the device was doing
 * @param iova first address that was refused; an access that began below it was right up to there
 * @param access what was wanted; null if nothing was, but somebody did not let go in time
 * @param length bytes that were wanted from {@code iova} on, unsigned
 * @param reason why it was refused
 * @param below the nearest mapping that begins at or below {@code iova}
 * @param above the nearest mapping that begins above it
 * @param last what was mapped there last, and was removed
 * @param rule name of the rule that caused it, or null if no rule did
 */
public record FaultRecord(long sequence, long nanos, String device, FaultContext context, long iova,
        @Nullable Access access,
        long length, FaultReason reason, @Nullable Neighbour below, @Nullable Neighbour above,
        @Nullable Neighbour last, @Nullable String rule) {

    /** The record as one sentence. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("%s: %s of 0x%x bytes at 0x%x: %s".formatted(device,
                access == null ? "use" : access == Access.READ ? "read" : "write", length, iova, reason.words()));
        if (!context.equals(FaultContext.NONE)) text.append(", ").append(context);
        if (last != null) text.append("; last mapped there: ").append(last);
        if (below != null) text.append("; mapping below: ").append(below);
        if (above != null) text.append("; mapping above: ").append(above);
        if (rule != null) text.append("; by rule ").append(rule);
        return text.toString();
    }
}
