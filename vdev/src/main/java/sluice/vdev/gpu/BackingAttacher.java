package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.Snapshot;
import sluice.iommu.space.Result;

/**
 * Gets the pages behind resources from the lists in commands: what they take is reserved, and they are mapped, for which the VM's
 * IOMMU may have to be asked; then the command is carried out again, and this goes on where it was.
 */
final class BackingAttacher {
    private final ResourceTable resources;
    private final BackingSpace backings;
    /** What is being attached, while the VM's IOMMU is asked about it. */
    private @Nullable Backing pending;

    BackingAttacher(ResourceTable resources, BackingSpace backings) {
        this.resources = resources;
        this.backings = backings;
    }

    /**
     * Puts the pages that a command lists behind a resource, which has none.
     *
     * @param at where the first entry is in the command
     * @param entries that it announces
     * @param result after a miss the command is not answered: it has to be carried out again when the address is known
     */
    Response attach(Resource resource, Snapshot command, int at, long entries, Result result) {
        if (entries > Backing.MAX_ENTRIES) return Response.ERR_UNSPEC;
        if (command.length() < at + entries * Wire.ResourceAttachBacking.ENTRY_BYTES)
            return Response.ERR_INVALID_PARAMETER;
        Backing backing = pending;
        pending = null;
        if (backing == null) {
            backing = Backing.read(command, at, (int) entries);
            if (backing.bytes() < resource.leastBacking()) return Response.ERR_INVALID_PARAMETER;
            if (!resources.reserve(backing)) return Response.ERR_OUT_OF_MEMORY;
        }
        boolean kept = false;
        try {
            backings.map(backing, resource.id(), result);
            if (result.isResolved()) resource.setBacking(backing);
            if (result.isMiss()) pending = backing;
            kept = result.isResolved() || result.isMiss();
            return Commands.responseTo(result);
        } finally {
            if (!kept) resources.cancel(backing);
        }
    }

    /** The command that waits for an address will not be tried again. */
    void abandon() {
        Backing backing = pending;
        pending = null;
        if (backing != null) resources.cancel(backing);
        backings.forget();
    }
}
