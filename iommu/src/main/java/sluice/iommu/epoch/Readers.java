package sluice.iommu.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** All readers of a table, and the writer's wait for them. */
public final class Readers {
    private static final int SPINS = 200;
    private static final long FIRST_PARK_NANOS = 10_000;
    private static final long LONGEST_PARK_NANOS = 500_000;

    private static final VarHandle EPOCH;

    /**
     * Incremented by each wait. A section that began in the current epoch began after all earlier waits. Shared by all
     * tables, so that a reader needs one load.
     */
    private static long epoch = 1;

    static {
        try {
            EPOCH = MethodHandles.lookup().findStaticVarHandle(Readers.class, "epoch", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final HeavyBarrier barrier;
    private final List<ReadSection> sections = new CopyOnWriteArrayList<>();
    private final AtomicLong barriers = new AtomicLong();

    public Readers(HeavyBarrier barrier) {
        this.barrier = barrier;
    }

    /** Opens a reader for the calling thread. */
    public ReadSection open() {
        ReadSection section = new ReadSection(Thread.currentThread());
        sections.add(section);
        return section;
    }

    /** Removes a reader, which must be outside a section. */
    public void close(ReadSection section) {
        if (!section.isOutside())
            throw new IllegalStateException("a reader was closed inside of a section");
        sections.remove(section);
    }

    /** The current epoch; may be the previous one for a moment. */
    static long epoch() {
        return epoch;
    }

    /** Number of heavy barriers executed. */
    public long barriers() {
        return barriers.get();
    }

    /**
     * Checks that the calling thread may wait here.
     *
     * @throws IllegalStateException if it is in a section itself, so that it would wait for itself
     */
    public void refuseInsideSection() {
        if (insideSection()) {
            throw new IllegalStateException(
                    "unmap, revoke and invalidate wait for readers, and the caller is inside of a read section: leave it first");
        }
    }

    /** Whether the calling thread is in a section of one of these readers. */
    public boolean insideSection() {
        Thread caller = Thread.currentThread();
        for (ReadSection section : sections) {
            if (section.thread().equals(caller) && section.inside()) return true;
        }
        return false;
    }

    /**
     * Returns when no reader can still use entries cleared before the call. A section that outlasts the deadline is
     * revoked, and not waited for again.
     *
     * @param deadline as {@link System#nanoTime} counts
     * @return revoked readers, now or before, that are still in the same section
     */
    public int await(long deadline) {
        Thread caller = Thread.currentThread();
        boolean alone = true;
        // Cleared entries are visible before the list is read: a reader opened now sees them cleared.
        VarHandle.fullFence();
        for (ReadSection section : sections) alone &= section.thread().equals(caller);
        // The caller's own readers are outside sections, and its later reads follow its clears.
        if (alone) return 0;
        long after = (long) EPOCH.getAndAdd(1L) + 1;
        barrier.run();
        barriers.incrementAndGet();
        int overrun = 0;
        for (ReadSection section : sections) {
            long began = section.began();
            if (section.thread().equals(caller) || !ReadSection.isBefore(began, after)) continue;
            if (section.isRevoked(began) || !hasLeft(section, after, deadline)) overrun++;
        }
        return overrun;
    }

    private static boolean hasLeft(ReadSection section, long after, long deadline) {
        for (int i = 0; i < SPINS; i++) {
            if (!ReadSection.isBefore(section.began(), after)) return true;
            Thread.onSpinWait();
        }
        long pause = FIRST_PARK_NANOS;
        boolean interrupted = false;
        long began = section.began();
        while (ReadSection.isBefore(began, after)) {
            long nanos = deadline - System.nanoTime();
            if (nanos <= 0) {
                section.revoke(began);
                break;
            }
            LockSupport.parkNanos(Math.min(pause, nanos));
            // An interrupted thread does not park; the wait is bounded, and the caller handles the interrupt.
            interrupted |= Thread.interrupted();
            pause = Math.min(2 * pause, LONGEST_PARK_NANOS);
            began = section.began();
        }
        if (interrupted) Thread.currentThread().interrupt();
        return !ReadSection.isBefore(began, after);
    }
}
