package sluice.vdev.codec;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/**
 * Memory of the caller, into which a decoder writes its pictures, so that none is copied: a buffer of a guest, a window that is
 * shared with it. Called by the thread that calls the decoder.
 */
public interface PictureMemory {
    /**
     * Gives memory for a picture. The decoder writes it, and reads it as a reference, until {@link #release}, which may be long
     * after the picture was given to the sink.
     *
     * @param format of the picture
     * @param bytes that it needs: lines of the planes are longer than the format says, and there are more of them
     * @param alignment of the first byte
     * @return native memory, at least {@code bytes}; null if there is none, which fails the unit
     */
    @Nullable
    MemorySegment take(PictureFormat format, long bytes, int alignment);

    /**
     * The decoder does not need the picture any more.
     *
     * @param memory as {@link #take} gave it
     */
    void release(MemorySegment memory);
}
