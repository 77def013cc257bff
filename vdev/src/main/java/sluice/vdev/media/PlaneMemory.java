package sluice.vdev.media;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

/** The memory of one plane of a buffer. Bytes are read and written on workers; all else is on the device's loop. */
interface PlaneMemory {
    /** In bytes. */
    long length();

    /** Copies bytes out of it. False if the memory is gone: the guest has unmapped it. */
    boolean read(long offset, MemorySegment target, long targetOffset, long length);

    /** Copies bytes into it. False as for {@link #read}. */
    boolean write(long offset, MemorySegment source, long sourceOffset, long length);

    /** The memory as one piece, for reading without a copy of ours, or null. */
    @Nullable
    MemorySegment whole();

    /** Its range of the arena, or null if it is the guest's. */
    FrameArena.@Nullable Range range();

    /**
     * The memory for a codec's library, which writes it in place: aligned to a page, in one piece, and followed by bytes that may
     * be read; null if there is no such thing. On a worker, while it is {@linkplain #hold held}.
     */
    @Nullable
    MemorySegment direct();

    /** A picture of this many bytes was written in place; false if the memory is gone. On a worker. */
    boolean wrote(long bytes);

    /** This many bytes are read in place; false if the memory is gone. On a worker. */
    boolean reads(long bytes);

    /** Keeps {@link #direct} from other uses, also when its buffer is released. */
    void hold();

    /** Ends one {@link #hold}. */
    void letGo();

    /**
     * QBUF: the device owns it from now on.
     *
     * @param cleaned whether the driver has cleaned caches, so that this is a transfer of its bytes
     */
    void give(boolean cleaned);

    /**
     * DQBUF: the driver owns it again.
     *
     * @param invalidates whether the driver invalidates caches, so that this is a transfer of its bytes
     */
    void takeBack(boolean invalidates);

    /** Its buffer does not use it any more. */
    void release();
}
