package sluice.dmacore.memory;

import java.io.IOException;

/**
 * Memory of the core's own, such as shadows and bounce buffers: mapped, zero at first, and sparse. It is closed once, by
 * its owner.
 */
public interface Scratch extends AutoCloseable {
    /** Provides scratch memory. */
    @FunctionalInterface
    interface Source {
        /**
         * Creates memory of whole pages.
         *
         * @param name shown in /proc, where that applies
         * @param bytes at least 1; rounded up to whole pages
         * @param files table of the mapping
         * @throws IOException as {@link FileMappings#scratch}
         */
        Scratch open(String name, long bytes, FileMappings files) throws IOException;
    }

    /** The memory; released by {@link #close}. */
    FileMapping mapping();

    /** Frees the memory of a range of whole pages, which is then zero again. */
    void giveBack(long offset, long bytes);

    /**
     * Closes everything but the mapping, whose pages cannot be given back any more. Instead of {@link #close}.
     *
     * @return the mapping, which the caller {@linkplain FileMapping#release releases}
     */
    FileMapping keepMapping();

    @Override
    void close();
}
