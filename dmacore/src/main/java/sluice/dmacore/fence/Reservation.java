package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * The fences of one buffer, for which its next user must wait. Thread-safe.
 *
 * <p>A fence is added in a {@link Usage} class; a later one of the same timeline replaces an earlier one in the same or
 * a weaker class, and signalled fences are dropped with their errors. Slots are reserved first. Behaviour follows the
 * kernel's {@code drivers/dma-buf/dma-resv.c}; its lock has no counterpart: a slot belongs to the caller that reserved
 * it.
 */
public final class Reservation {
    /** Default limit of fences of a buffer. */
    public static final int DEFAULT_LIMIT = 1024;

    private record Entry(Fence fence, Usage usage) {}

    private final FenceDomain domain;
    private final String buffer;
    private final int limit;
    private final List<Entry> entries = new ArrayList<>();
    /** Reserved, unused slots; together with the entries at most the limit. */
    private int reserved;

    /** For {@link #DEFAULT_LIMIT} fences. */
    public Reservation(FenceDomain domain, String buffer) {
        this(domain, buffer, DEFAULT_LIMIT);
    }

    /**
     * No fences yet.
     *
     * @param buffer its name in findings
     * @param limit limit of fences, at least 1
     */
    public Reservation(FenceDomain domain, String buffer, int limit) {
        if (limit < 1) throw new IllegalArgumentException("%s has room for %d fences".formatted(buffer, limit));
        this.domain = domain;
        this.buffer = buffer;
        this.limit = limit;
    }

    FenceDomain domain() {
        return domain;
    }

    /** Its name in findings. */
    public String buffer() {
        return buffer;
    }

    /**
     * Reserves slots before the work is begun, so that adding fences cannot fail.
     *
     * @param count at least 1
     * @throws FenceRefusedException {@code ENOMEM} if the limit would be exceeded
     */
    public synchronized FenceSlots reserve(int count) throws FenceRefusedException {
        if (count < 1) throw new IllegalArgumentException("%d slots of %s".formatted(count, buffer));
        prune();
        if (count > limit - reserved - entries.size())
            throw new FenceRefusedException(Errno.ENOMEM,
                    "%d more fences of %s: %d are pending and %d slots reserved, the limit is %d".formatted(count,
                            buffer,
                            entries.size(), reserved, limit));
        reserved += count;
        return new FenceSlots(this, count);
    }

    synchronized void giveBack(int count) {
        reserved -= count;
    }

    /** Adds a fence and uses up a reserved slot. */
    void place(Fence fence, Usage usage) {
        FenceFinding finding;
        synchronized (this) {
            reserved--;
            prune();
            finding = fence.isSignalled() ? null : insert(fence, usage);
        }
        if (finding != null) domain.found(finding);
    }

    private @Nullable FenceFinding insert(Fence fence, Usage usage) {
        Usage present = usageOf(fence);
        Usage kept = present != null && !present.includes(usage) ? present : usage;
        entries.removeIf(entry -> entry.fence.origin().context() == fence.origin().context()
                && !entry.fence.isLaterThan(fence) && entry.usage.includes(kept));
        entries.add(new Entry(fence, kept));
        return kept == usage ? null : new FenceFinding.Demoted(buffer, fence, kept, usage);
    }

    /** Drops signalled fences. */
    private void prune() {
        entries.removeIf(entry -> entry.fence.isSignalled());
    }

    /** Number of pending fences. */
    public synchronized int pending() {
        prune();
        return entries.size();
    }

    /** The pending fences of a class and of stronger ones. */
    public synchronized List<Fence> fences(Usage upTo) {
        List<Fence> found = new ArrayList<>();
        for (Entry entry : entries) {
            if (upTo.includes(entry.usage) && !entry.fence.isSignalled()) found.add(entry.fence);
        }
        return found;
    }

    /** The strongest class of a fence; null if it is absent or signalled. */
    public synchronized @Nullable Usage usageOf(Fence fence) {
        for (Entry entry : entries) if (entry.fence == fence && !fence.isSignalled()) return entry.usage;
        return null;
    }

    /** One fence for all present fences of a class and of stronger ones; a signalled one if there are none. */
    public Fence snapshot(Usage upTo) {
        return FenceMerge.gather(domain, "%s of %s".formatted(upTo, buffer), fences(upTo));
    }

    /** Whether no fence of a class or of stronger ones is pending. Does not enable signalling. */
    public synchronized boolean isIdle(Usage upTo) {
        for (Entry entry : entries) if (upTo.includes(entry.usage) && !entry.fence.isSignalled()) return false;
        return true;
    }

    /** Whether poll() reports {@code POLLIN}: all writers are done. Says nothing about caches. */
    public boolean isReadable() {
        return isIdle(Usage.beforeRead());
    }

    /** Whether poll() reports {@code POLLOUT}: all readers and writers are done. Says nothing about caches. */
    public boolean isWritable() {
        return isIdle(Usage.beforeWrite());
    }

    /**
     * Runs a callback once when all present fences of a class and of stronger ones are signalled; at once if there are
     * none. More fences may have been added by then.
     */
    public Subscription whenIdle(Usage upTo, FenceCallback callback) {
        return snapshot(upTo).onSignal(callback);
    }

    /**
     * Waits for all present fences of a class and of stronger ones. Fences added meanwhile are not waited for.
     *
     * @return whether all of them are signalled
     * @throws IllegalStateException if the calling thread must not wait; see {@link WaitGuard}
     */
    public boolean await(Usage upTo, Duration timeout) throws InterruptedException {
        return snapshot(upTo).await(timeout);
    }

    /** As {@link Fence#hintDeadline}, for a class and stronger ones. */
    public void hintDeadline(Usage upTo, long nanos) {
        for (Fence fence : fences(upTo)) fence.hintDeadline(nanos);
    }

    /**
     * Plans a use of the buffer after all present fences. Called when the use is ordered, before its own fence is
     * added.
     *
     * @param who name of the user, for findings
     * @param write whether it writes the buffer
     */
    public synchronized PlannedUse plan(String who, boolean write) {
        Usage upTo = write ? Usage.beforeWrite() : Usage.beforeRead();
        List<PlannedUse.Before> before = new ArrayList<>();
        for (Entry entry : entries) {
            if (upTo.includes(entry.usage) && !entry.fence.isSignalled())
                before.add(new PlannedUse.Before(entry.fence, entry.usage));
        }
        return new PlannedUse(domain, buffer, who, write, before);
    }

    @Override
    public String toString() {
        return buffer;
    }
}
