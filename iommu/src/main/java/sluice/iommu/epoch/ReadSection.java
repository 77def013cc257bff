package sluice.iommu.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One thread's announcement that it uses what it found. Inside of a section its slot holds the epoch the section began
 * in, outside 0. Entering and leaving are one store each, without a fence and without a look at the store before; the
 * {@link HeavyBarrier} of the writer makes up for it.
 *
 * <p>Only the thread it was made for may enter and leave. Sections do not nest.
 */
@SuppressWarnings({ "unused", "UnusedVariable" }) // the padding is there to be there
public final class ReadSection implements AutoCloseable {
    private static final VarHandle SLOT;
    private static final long OUTSIDE = 0;

    static {
        try {
            SLOT = MethodHandles.lookup().findVarHandle(ReadSection.class, "slot", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    // Numbers around the slot, so that nothing else is in its cache line: a neighbour that is written would slow the entry.
    private long before0, before1, before2, before3, before4, before5, before6, before7;
    private long slot;
    private long after0, after1, after2, after3, after4, after5, after6, after7;
    private final Thread thread;
    /** Epoch of the last section that was given up on, 0 before. Written by those who wait. */
    private final AtomicLong revoked = new AtomicLong();

    ReadSection(Thread thread) {
        this.thread = thread;
    }

    Thread thread() {
        return thread;
    }

    /**
     * Begins a section; not inside of one. Returns this, so that {@code try (var _ = section.enter())} ends it.
     */
    public ReadSection enter() {
        assert Thread.currentThread().equals(thread) : "a section of " + thread + " was entered by "
                + Thread.currentThread();
        assert !inside() : "read sections do not nest";
        SLOT.setRelease(this, Readers.epoch());
        // Keeps the compiler from moving reads of the table up; the processor is held by the writer's barrier.
        VarHandle.acquireFence();
        return this;
    }

    /** Ends a section. What was found in it may not be used any more. */
    public void leave() {
        SLOT.setRelease(this, OUTSIDE);
    }

    /** The same as {@link #leave}. */
    @Override
    public void close() {
        leave();
    }

    /** Whether this thread is inside. For the reader. */
    public boolean inside() {
        return slot != OUTSIDE;
    }

    /**
     * Whether a writer gave up waiting for the section this thread is in: what was found in it may be gone. For the
     * reader; ends with the section.
     */
    public boolean revoked() {
        long seen = revoked.get();
        return seen != OUTSIDE && seen == slot;
    }

    /** Epoch the section began in, 0 outside. For the writer. */
    long began() {
        return (long) SLOT.getAcquire(this);
    }

    boolean isOutside() {
        return began() == OUTSIDE;
    }

    /** Whether {@link #began} told of a section that is older than an epoch. */
    static boolean isBefore(long began, long epoch) {
        return began != OUTSIDE && began < epoch;
    }

    /** Whether the section that began in this epoch was given up on already. */
    boolean isRevoked(long began) {
        return revoked.get() == began;
    }

    /** Gives up on the section that began in this epoch; a later one is another one. */
    void revoke(long began) {
        revoked.accumulateAndGet(began, Math::max);
    }
}
