package sluice.vdev.media;

import java.lang.foreign.MemorySegment;

/** A plane of an MMAP buffer. It is memory of the device, so no cache is between it and its device. */
final class ArenaMemory implements PlaneMemory {
    private final FrameArena.Range range;
    private final MemorySegment memory;

    ArenaMemory(FrameArena.Range range) {
        this.range = range;
        memory = range.memory();
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
    public void give() {
        // The guest reaches it through its own window, without a cache between.
    }

    @Override
    public void takeBack() {
        // The same.
    }

    @Override
    public void release() {
        range.release();
    }
}
