package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.BusList;
import sluice.dmacore.memory.Snapshot;
import sluice.iommu.space.Result;

/**
 * Attaches the pages listed in commands to resources: charges their cost and maps them. If the VM's IOMMU must be
 * asked, the command is executed again later, and this continues where it was.
 */
final class BackingAttacher {
    private final ResourceTable resources;
    private final BackingSpace backings;
    /** The backing being attached, while translations are pending. */
    private @Nullable Backing pending;

    BackingAttacher(ResourceTable resources, BackingSpace backings) {
        this.resources = resources;
        this.backings = backings;
    }

    /**
     * Attaches the pages listed in a command to a resource without backing.
     *
     * @param at offset of the first entry in the command
     * @param entries number of entries
     * @param result after a miss the command is not answered: it must be executed again when the translation has
     * arrived
     */
    Response attach(Resource resource, Snapshot command, int at, long entries, Result result) {
        if (entries > Backing.MAX_ENTRIES) return Response.ERR_UNSPEC;
        if (command.length() < at + entries * Wire.ResourceAttachBacking.ENTRY_BYTES)
            return Response.ERR_INVALID_PARAMETER;
        Backing backing = pending;
        pending = null;
        if (backing == null) {
            backing = new Backing(BusList.read(command, at, (int) entries));
            if (backing.bytes() < resource.leastBacking()) return Response.ERR_INVALID_PARAMETER;
            if (!resources.reserve(backing)) return Response.ERR_OUT_OF_MEMORY;
        }
        boolean kept = false;
        try {
            backings.map(backing, resource.id(), result);
            if (result.isResolved()) {
                resource.setBacking(backing);
                if (resource instanceof GuestBlob && resource.uuid().isAssigned())
                    backings.exportAs(backing, resource.uuid().value());
            }
            if (result.isMiss()) pending = backing;
            kept = result.isResolved() || result.isMiss();
            return Commands.responseTo(result);
        } finally {
            if (!kept) resources.cancel(backing);
        }
    }

    /** The command that waits for a translation will not be retried. */
    void abandon() {
        Backing backing = pending;
        pending = null;
        if (backing != null) resources.cancel(backing);
        backings.forget();
    }
}
