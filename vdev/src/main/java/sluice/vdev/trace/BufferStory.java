package sluice.vdev.trace;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;

/** The history of one buffer in a recording. */
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

    /** Size in bytes, or 0 if its event was overwritten. */
    long size() {
        return size;
    }

    /** From the first event to the last. */
    long lifetimeNanos() {
        return lastNanoTime - firstNanoTime;
    }

    /** Whether the recording has its beginning; if not, it existed before. */
    boolean isBornHere() {
        return isBornHere;
    }

    /** Whether the recording has its end; if not, it lives on. */
    boolean isGone() {
        return isGone;
    }

    /** Its cost: time, or bytes if no time was recorded. */
    long cost() {
        return work.flushed().nanos() + work.copied().nanos() + work.transfers().nanos() + work.copied().bytes()
                + work.flushed().bytes();
    }
}
