package sluice.dmacore.ownership;

import sluice.dmacore.memory.FileMapping;

/**
 * Other memory that a device uses instead of a buffer's, which is copied to it and back ({@code kernel/dma/swiotlb.c}). Called with
 * the buffer's lines locked; must not wait for anybody.
 */
public interface DeviceCopy {
    /**
     * The device is about to read or write the harm's range.
     *
     * @param harm gets bytes that it reads, and that are newer in the buffer
     */
    void deviceAccess(boolean write, Harm harm);

    /**
     * Somebody else is about to read or write the harm's range, in a buffer that may be another one over the same pages.
     *
     * @param offset in the file, of the first byte
     * @param harm gets bytes that are read, and that are newer in the copy
     */
    void bufferAccess(FileMapping file, long offset, long bytes, int firstLine, boolean write, Harm harm);

    /**
     * The caches are about to drop lines of the buffer, and to hold what is in memory: nobody writes, and yet the buffer's bytes
     * change. What was written in the buffer until then is newer than the copy.
     *
     * @param offset in the file, of the first byte
     */
    void dropping(FileMapping file, long offset, long bytes);

    /** They have. What was newer in the copy still is. As {@link #dropping}. */
    void dropped(FileMapping file, long offset, long bytes);
}
