package sluice.iommu.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A read-side critical section of one thread. In a section its slot contains the epoch in which the section began,
 * otherwise 0. Entering and leaving are one store each, without a fence; the {@link HeavyBarrier} of the writer
 * compensates for that.
 *
 * <p>Only the thread that opened it may enter and leave. Sections do not nest.
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

    // Padding around the slot against false sharing.
    private long before0, before1, before2, before3, before4, before5, before6, before7;
    private long slot;
    private long after0, after1, after2, after3, after4, after5, after6, after7;
    private final Thread thread;
    /** Epoch of the last revoked section, initially 0. Written by waiting writers. */
    private final AtomicLong revoked = new AtomicLong();

    ReadSection(Thread thread) {
        this.thread = thread;
    }

    Thread thread() {
        return thread;
    }

    /**
     * Begins a section; must not be called in one. Returns this, so that {@code try (var _ = section.enter())} ends it.
     */
    public ReadSection enter() {
        assert Thread.currentThread().equals(thread) : "a section of " + thread + " was entered by "
                + Thread.currentThread();
        assert !inside() : "read sections do not nest";
        SLOT.setRelease(this, Readers.epoch());
        // Prevents the compiler from moving reads of the table up; the writer's barrier orders the processor.
        VarHandle.acquireFence();
        return this;
    }

    /** Ends a section. Translations from it must not be used any more. */
    public void leave() {
        SLOT.setRelease(this, OUTSIDE);
    }

    /** The same as {@link #leave}. */
    @Override
    public void close() {
        leave();
    }

    /** Whether this thread is in a section. For the reader. */
    public boolean inside() {
        return slot != OUTSIDE;
    }

    /**
     * Whether a writer has revoked the current section, so that its translations may be invalid. For the reader; ends
     * with the section.
     */
    public boolean revoked() {
        long seen = revoked.get();
        return seen != OUTSIDE && seen == slot;
    }

    /** Epoch in which the section began, 0 outside a section. For the writer. */
    long began() {
        return (long) SLOT.getAcquire(this);
    }

    boolean isOutside() {
        return began() == OUTSIDE;
    }

    /** Whether a result of {@link #began} is a section older than an epoch. */
    static boolean isBefore(long began, long epoch) {
        return began != OUTSIDE && began < epoch;
    }

    /** Whether the section that began in this epoch was revoked already. */
    boolean isRevoked(long began) {
        return revoked.get() == began;
    }

    /** Revokes the section that began in this epoch, but not a later one. */
    void revoke(long began) {
        revoked.accumulateAndGet(began, Math::max);
    }
}
