package sluice.dmacore.fence;

import java.util.List;

import sluice.dmacore.linux.Errno;

/**
 * A fence that is handed on: what a sync file is in Linux, without the file. Once made it stands for the same fences for ever.
 * Sources: {@code include/uapi/linux/sync_file.h}, and {@code DMA_BUF_IOCTL_EXPORT_SYNC_FILE} in {@code
 * include/uapi/linux/dma-buf.h}.
 *
 * @param name what it is for
 * @param fence that it stands for
 */
public record SyncFile(String name, Fence fence) {
    /**
     * What one fence of it tells.
     *
     * @param status 1 if it has succeeded, 0 while it is pending, or the negative errno number it failed with
     * @param signalledAt as the domain's clock counts nanoseconds; 0 while it is pending
     */
    public record Part(FenceOrigin origin, int status, long signalledAt) {}

    /**
     * The fences of a buffer that somebody has to wait for, as they are now; a signalled one if there are none.
     *
     * @param upTo {@link Usage#beforeRead()} for who wants to read, {@link Usage#beforeWrite()} for who wants to write
     */
    public static SyncFile exportFrom(Reservation reservation, Usage upTo) {
        return new SyncFile(reservation.buffer(), reservation.snapshot(upTo));
    }

    /**
     * Adds its fences to a buffer, all or none, so that others wait for them.
     *
     * @param usage {@link Usage#READ} or {@link Usage#WRITE}: what the work behind it does with the buffer
     * @return how many were pending and were added
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
     * One for two, signalled when both are. Of each timeline the later fence stands for both.
     *
     * @throws FenceRefusedException {@code EINVAL} if one of them is any-of
     */
    public SyncFile mergedWith(String newName, SyncFile other) throws FenceRefusedException {
        return new SyncFile(newName, fence.domain().merge(newName, List.of(fence, other.fence)));
    }

    /** 1 if it has succeeded, 0 while it is pending, or the negative errno number it failed with. Only a look. */
    public int status() {
        return status(fence);
    }

    private static int status(Fence fence) {
        int status = fence.status();
        return status == Completion.PENDING ? 0 : status == 0 ? 1 : -status;
    }

    /** Each of its fences by itself. Only a look. */
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
