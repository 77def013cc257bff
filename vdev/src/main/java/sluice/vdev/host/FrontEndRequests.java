package sluice.vdev.host;

import java.util.function.Consumer;

import sluice.dmacore.linux.Fd;

/** What a host asks of its front-end. Each method may be called on any thread, does not wait, and answers on any. */
public interface FrontEndRequests {
    /** The configuration space is another one now. */
    void configChanged();

    /**
     * A part of a file is to be seen in a part of a shared memory region.
     *
     * @param file stays the caller's, and open until it is answered
     * @param offset in the region
     * @param done gets whether that is so now
     */
    void map(int region, Fd file, long fileOffset, long offset, long length, Consumer<Boolean> done);

    /** A part of a region is to be empty again. */
    void unmap(int region, long offset, long length, Consumer<Boolean> done);
}
