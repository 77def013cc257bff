package sluice.dmacore.fence;

import java.util.List;

import sluice.dmacore.linux.Errno;

/**
 * A fence that is passed on: like a Linux sync file, without the file. Immutable. Sources: {@code
 * include/uapi/linux/sync_file.h}, and {@code DMA_BUF_IOCTL_EXPORT_SYNC_FILE} in {@code include/uapi/linux/dma-buf.h}.
 *
 * @param name its purpose, for messages
 * @param fence the fence that it contains
 */
public record SyncFile(String name, Fence fence) {
    /**
     * The status of one of its fences.
     *
     * @param status 1 if it has succeeded, 0 while it is pending, or the negative errno number it failed with
     * @param signalledAt in nanoseconds of the domain's clock; 0 while it is pending
     */
    public record Part(FenceOrigin origin, int status, long signalledAt) {}

    /**
     * The present fences of a buffer that a reader or a writer must wait for; a signalled one if there are none.
     *
     * @param upTo {@link Usage#beforeRead()} for a reader, {@link Usage#beforeWrite()} for a writer
     */
    public static SyncFile exportFrom(Reservation reservation, Usage upTo) {
        return new SyncFile(reservation.buffer(), reservation.snapshot(upTo));
    }

    /**
     * Adds its fences to a buffer, all or none, so that later users wait for them.
     *
     * @param usage {@link Usage#READ} or {@link Usage#WRITE}: how the work behind it uses the buffer
     * @return number of pending fences added
     * @throws IllegalArgumentException for another usage
     * @throws FenceRefusedException {@code ENOMEM} if the buffer has no room for them, {@code EINVAL} if the fence is any-of
     */
    public int importTo(Reservation reservation, Usage usage) throws FenceRefusedException {
        if (usage != Usage.READ && usage != Usage.WRITE)
            throw new IllegalArgumentException("sync file %s was imported as %s: only READ and WRITE are for importers"
                    .formatted(name, usage));
        List<Fence> parts = FenceMerge.takeApart(List.of(fence)).stream().filter(part -> !part.isSignalled()).toList();
        if (parts.isEmpty()) return 0;
        try (FenceSlots slots = reservation.reserve(parts.size())) {
            for (Fence part : parts) slots.add(part, usage);
        }
        return parts.size();
    }

    /**
     * Merges two sync files: signalled when both are. Of each timeline only the later fence is kept.
     *
     * @throws FenceRefusedException {@code EINVAL} if one of them is any-of
     */
    public SyncFile mergedWith(String newName, SyncFile other) throws FenceRefusedException {
        return new SyncFile(newName, fence.domain().merge(newName, List.of(fence, other.fence)));
    }

    /**
     * 1 if it has succeeded, 0 while it is pending, or the negative errno number it failed with. Does not enable
     * signalling.
     */
    public int status() {
        return status(fence);
    }

    private static int status(Fence fence) {
        int status = fence.status();
        return status == Completion.PENDING ? 0 : status == 0 ? 1 : -status;
    }

    /** The status of each of its fences. Does not enable signalling. */
    public List<Part> parts() {
        List<Fence> each = fence.isContainer() ? fence.members() : List.of(fence);
        return each.stream().map(SyncFile::part).toList();
    }

    private static Part part(Fence fence) {
        int status = status(fence);
        return new Part(fence.origin(), status, status == 0 ? 0 : fence.signalledAt());
    }

    @Override
    public String toString() {
        int status = status();
        return "sync file %s: %s".formatted(name,
                status == 0 ? "pending" : status == 1 ? "signalled" : "failed with " + Errno.name(-status));
    }
}
