package sluice.iommu.fault;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;

/**
 * One refused access.
 *
 * @param sequence number of the fault in its log, from 1
 * @param nanos time, as {@link System#nanoTime}
 * @param device name of the address space
 * @param context context of the access
 * @param iova first refused address; the part of the access below it was permitted
 * @param access kind of access; null for a section or a pin that exceeded its bound
 * @param length length of the access in bytes from {@code iova}, unsigned
 * @param reason reason of the refusal
 * @param below the nearest mapping that begins at or below {@code iova}
 * @param above the nearest mapping that begins above it
 * @param last the latest former mapping of the address
 * @param rule name of the injection rule that caused it, or null
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
