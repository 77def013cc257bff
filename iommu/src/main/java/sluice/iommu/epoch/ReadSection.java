package sluice.iommu.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One thread's announcement that it uses what it found. Sections are counted: an odd count is inside of one, an even one
 * outside. Entering and leaving are one store each, without a fence; the {@link HeavyBarrier} of the writer makes up for
 * it.
 *
 * <p>Only the thread it was made for may enter and leave. Sections nest.
 */
public final class ReadSection implements AutoCloseable {
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle REVOKED;
    /** Far enough from both ends of the array that nothing else shares its cache line. */
    private static final int SLOT = 12;

    static {
        try {
            REVOKED = MethodHandles.lookup().findVarHandle(ReadSection.class, "revoked", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final long[] padded = new long[2 * SLOT + 1];
    private final Thread thread;
    private int depth;
    /** Count of the section whose reader was given up on, or 0. Written by those who wait. */
    private volatile long revoked;

    ReadSection(Thread thread) {
        this.thread = thread;
    }

    Thread thread() {
        return thread;
    }

    /** Begins a section. Returns this, so that {@code try (var _ = section.enter())} ends it. */
    public ReadSection enter() {
        assert Thread.currentThread().equals(thread) : "a section of " + thread + " was entered by "
                + Thread.currentThread();
        if (depth++ == 0) {
            long[] slot = padded;
            COUNT.setRelease(slot, SLOT, slot[SLOT] + 1);
            // Keeps the compiler from moving reads of the table up; the processor is held by the writer's barrier.
            VarHandle.acquireFence();
        }
        return this;
    }

    /** Ends a section. What was found in it may not be used any more. */
    public void leave() {
        if (depth <= 0) throw new IllegalStateException("a section was left that was not entered");
        if (--depth == 0) {
            long[] slot = padded;
            COUNT.setRelease(slot, SLOT, slot[SLOT] + 1);
        }
    }

    /** The same as {@link #leave}. */
    @Override
    public void close() {
        leave();
    }

    /** Whether this thread is inside. For the reader. */
    public boolean inside() {
        return depth > 0;
    }

    /** Whether a section was given up on, this one or one before: costs one load, {@link #revoked} knows it exactly. */
    public boolean suspicious() {
        return (long) REVOKED.getOpaque(this) != 0;
    }

    /**
     * Whether a writer gave up waiting for the section this thread is in: what was found in it may be gone. For the
     * reader; ends with the section.
     */
    public boolean revoked() {
        long seen = revoked;
        if (seen == 0) return false;
        if (depth > 0 && seen == padded[SLOT]) return true;
        // An older section; unless it changed meanwhile, there is nothing to be suspicious of any more.
        return !REVOKED.compareAndSet(this, seen, 0L) && revoked();
    }

    /** Count of the section, as a writer sees it. */
    long count() {
        return (long) COUNT.getAcquire(padded, SLOT);
    }

    static boolean isInside(long count) {
        return (count & 1) != 0;
    }

    /** Whether that section was given up on already. */
    boolean isRevoked(long count) {
        return revoked == count;
    }

    void revoke(long count) {
        // Several writers may wait; the newest section is the only one that can still be going on.
        long seen = revoked;
        while (seen < count && !REVOKED.compareAndSet(this, seen, count))
            seen = revoked;
    }
}
