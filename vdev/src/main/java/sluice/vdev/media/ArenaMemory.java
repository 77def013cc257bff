package sluice.vdev.media;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;

/**
 * A plane of an MMAP buffer. It is memory of the device, so no cache is between it and its device. If it is exported, other
 * devices reach it too, and the core is told of its transfers.
 */
final class ArenaMemory implements PlaneMemory {
    private final FrameArena.Range range;
    private final MemorySegment memory;
    private volatile @Nullable Export export;
    private boolean given;

    ArenaMemory(FrameArena.Range range) {
        this.range = range;
        memory = range.memory();
    }

    /** Other devices find it by a name from now on. */
    void setExport(Export made) {
        export = made;
    }

    @Nullable
    Export export() {
        return export;
    }

    @Override
    public long length() {
        return range.length();
    }

    @Override
    public boolean read(long offset, MemorySegment target, long targetOffset, long length) {
        MemorySegment.copy(memory, offset, target, targetOffset, length);
        return true;
    }

    @Override
    public boolean write(long offset, MemorySegment source, long sourceOffset, long length) {
        MemorySegment.copy(source, sourceOffset, memory, offset, length);
        return true;
    }

    @Override
    public MemorySegment whole() {
        return memory;
    }

    @Override
    public FrameArena.Range range() {
        return range;
    }

    @Override
    public MemorySegment direct() {
        return range.whole();
    }

    @Override
    public boolean wrote(long bytes) {
        return accessed(bytes, Access.WRITE);
    }

    @Override
    public boolean reads(long bytes) {
        return accessed(bytes, Access.READ);
    }

    /** What is not exported is nobody else's. */
    private boolean accessed(long bytes, Access how) {
        Export shared = export;
        if (shared != null) shared.accessed(bytes, how);
        return true;
    }

    @Override
    public void hold() {
        range.retain();
    }

    @Override
    public void letGo() {
        range.release();
    }

    @Override
    public void give(boolean cleaned) {
        Export shared = export;
        if (shared == null || given) return;
        given = true;
        if (!cleaned) return;
        try {
            shared.mapping().syncForDevice(0, length(), Direction.BIDIRECTIONAL);
        } catch (DmaBufException e) {
            throw new IllegalStateException("an exported buffer cannot be given to its device", e);
        }
    }

    @Override
    public void takeBack(boolean invalidates) {
        Export shared = export;
        if (shared == null || !given) return;
        given = false;
        if (!invalidates) return;
        try {
            shared.mapping().syncForCpu(0, length(), Direction.BIDIRECTIONAL);
        } catch (DmaBufException e) {
            throw new IllegalStateException("an exported buffer cannot be taken back from its device", e);
        }
    }

    @Override
    public void release() {
        Export shared = export;
        export = null;
        if (shared != null) shared.end();
        range.release();
    }
}
