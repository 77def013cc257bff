package sluice.vdev.host;

import sluice.vdev.device.Counter;

/** What a function's DMA has cost. Changed on its loop, read on any thread. */
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

    /** Bytes moved through mapped files. */
    public long bytes() {
        return bytes.getAsLong();
    }

    /** Accesses for which a front-end was asked, because the memory is in no file; a long one takes several messages. */
    public long messages() {
        return messages.getAsLong();
    }

    /** Bytes that were asked for so: each is copied twice. */
    public long messageBytes() {
        return messageBytes.getAsLong();
    }

    /** Accesses that faulted, or that the driver had not allowed. */
    public long refused() {
        return refused.getAsLong();
    }
}
