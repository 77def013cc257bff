package sluice.vdev.host;

/**
 * What a function's DMA has cost; used on its loop.
 */
public final class DmaStatistics {
    private long bytes;
    private long messages;
    private long messageBytes;
    private long refused;

    void moved(long count) {
        bytes += count;
    }

    void asked(long count) {
        messages++;
        messageBytes += count;
    }

    void refusedOne() {
        refused++;
    }

    /** Bytes moved through mapped files. */
    public long bytes() {
        return bytes;
    }

    /** Accesses for which a front-end was asked, because the memory is in no file; a long one takes several messages. */
    public long messages() {
        return messages;
    }

    /** Bytes that were asked for so: each is copied twice. */
    public long messageBytes() {
        return messageBytes;
    }

    /** Accesses that faulted, or that the driver had not allowed. */
    public long refused() {
        return refused;
    }
}
