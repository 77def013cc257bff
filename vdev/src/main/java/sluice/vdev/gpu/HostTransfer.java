package sluice.vdev.gpu;

import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/** TRANSFER_TO_HOST_3D: copies bytes from the guest's pages of a blob to its host memory. */
final class HostTransfer {
    private final BackingSpace backings;
    private final Rows rows = new Rows();

    HostTransfer(BackingSpace backings) {
        this.backings = backings;
    }

    /**
     * Copies bytes, as the CPU: a flush transfers them to the GPU.
     *
     * @param at of the first byte in the host's memory
     * @param offset of the first byte in the guest's pages
     * @param length at least 1, inside of both
     * @param result as that of {@link BackingAttacher#attach}
     */
    Response copy(HostBlob blob, Backing shadow, long at, long offset, long length, Result result) {
        if (backings.map(shadow, blob.id(), result) != Outcome.RESOLVED) return Commands.responseTo(result);
        rows.set(offset, length, length, 1);
        try (Opener opener = blob.memory().buffer().open("a transfer");
                CpuAccess access = opener.begin(at, length, Direction.TO_DEVICE)) {
            return copy(shadow, access) ? Response.OK_NODATA : Response.ERR_UNSPEC;
        } catch (DmaBufException e) {
            return Response.ERR_OUT_OF_MEMORY;
        }
    }

    private boolean copy(Backing shadow, CpuAccess access) {
        try (var _ = backings.enter()) {
            if (backings.give(shadow, rows) != Outcome.RESOLVED) return false;
            long end = access.from() + access.length();
            long step;
            for (long to = access.from(); to < end; to += step) {
                long into = to % CpuAccess.PAGE;
                step = Math.min(end - to, CpuAccess.PAGE - into);
                backings.found().copyTo(to - access.from(), access.page(to / CpuAccess.PAGE), into, step);
            }
            return true;
        } finally {
            backings.takeBack(shadow, rows);
        }
    }
}
