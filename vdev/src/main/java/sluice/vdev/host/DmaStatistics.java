package sluice.vdev.host;

import sluice.vdev.device.Counter;

/** Counters of a function's DMA. Written on its loop, read on any thread. */
public final class DmaStatistics {
    private final Counter bytes = new Counter();
    private final Counter messages = new Counter();
    private final Counter messageBytes = new Counter();
    private final Counter refused = new Counter();

    void moved(long count) {
        bytes.add(count);
    }

    void asked(long count) {
        messages.increment();
        messageBytes.add(count);
    }

    void refusedOne() {
        refused.increment();
    }

    /** Bytes accessed through mapped files. */
    public long bytes() {
        return bytes.getAsLong();
    }

    /** Accesses by DMA_READ and DMA_WRITE messages, to memory without a file; a long access takes several messages. */
    public long messages() {
        return messages.getAsLong();
    }

    /** Bytes accessed by messages; each is copied twice. */
    public long messageBytes() {
        return messageBytes.getAsLong();
    }

    /** Accesses that faulted, or came before the driver enabled bus mastering. */
    public long refused() {
        return refused.getAsLong();
    }
}
