package sluice.dmacore.ownership;

import sluice.dmacore.memory.FileMapping;

/**
 * A bounce buffer that a device uses instead of a buffer's memory ({@code kernel/dma/swiotlb.c}). Called with the
 * buffer's lines locked; must not block.
 */
public interface DeviceCopy {
    /**
     * The device is about to read or write the harm's range.
     *
     * @param harm receives bytes read that are newer in the buffer
     */
    void deviceAccess(boolean write, Harm harm);

    /**
     * The CPU or another device is about to read or write the harm's range, possibly through another buffer over the
     * same pages.
     *
     * @param offset in the file, of the first byte
     * @param harm receives bytes read that are newer in the copy
     */
    void bufferAccess(FileMapping file, long offset, long bytes, int firstLine, boolean write, Harm harm);

    /**
     * The caches are about to drop lines and reload them from memory: the buffer's bytes change without a write. Bytes
     * written in the buffer before are newer than the copy.
     *
     * @param offset in the file, of the first byte
     */
    void dropping(FileMapping file, long offset, long bytes);

    /**
     * The caches have dropped the lines. Bytes that were newer in the copy still are. Parameters as for {@link
     * #dropping}.
     */
    void dropped(FileMapping file, long offset, long bytes);
}
