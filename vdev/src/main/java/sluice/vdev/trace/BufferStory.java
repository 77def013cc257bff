package sluice.vdev.trace;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** What happened to one buffer, as far as the recording tells. */
final class BufferStory {
    private final int number;
    private final Work work = new Work();
    private final long firstNanoTime;
    private long lastNanoTime;
    private long size;
    private boolean isBornHere;
    private boolean isGone;

    BufferStory(int number, long firstNanoTime) {
        this.number = number;
        this.firstNanoTime = firstNanoTime;
    }

    void add(Event event) {
        work.add(event);
        lastNanoTime = event.nanoTime();
        if (event.kind() == EventKind.EXPORT) {
            size = event.length();
            isBornHere = true;
        }
        isGone = event.kind() == EventKind.RELEASE;
    }

    int number() {
        return number;
    }

    Work work() {
        return work;
    }

    /** Bytes, or 0 if the event that said it is overwritten. */
    long size() {
        return size;
    }

    /** From the first event to the last. */
    long lifetimeNanos() {
        return lastNanoTime - firstNanoTime;
    }

    /** Whether the recording has its beginning; if not, it lived before, too. */
    boolean isBornHere() {
        return isBornHere;
    }

    /** Whether the recording has its end; if not, it lives on. */
    boolean isGone() {
        return isGone;
    }

    /** What it cost: time, and bytes where no time was told. */
    long cost() {
        return work.flushed().nanos() + work.copied().nanos() + work.transfers().nanos() + work.copied().bytes()
                + work.flushed().bytes();
    }
}
