package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * The fences of one buffer: what its next user has to wait for. Any thread may use it.
 *
 * <p>A fence is added in a {@link Usage} class; a later one of the same timeline takes the place of an earlier one in its own
 * or a weaker class, and what is signalled is forgotten, its error too. Slots are reserved first. Behaviour after the kernel's
 * {@code drivers/dma-buf/dma-resv.c}; its lock has no counterpart, a slot belongs to whoever reserved it instead.
 */
public final class Reservation {
    /** How many fences a buffer has room for, unless told otherwise. */
    public static final int DEFAULT_LIMIT = 1024;

    private record Entry(Fence fence, Usage usage) {}

    private final FenceDomain domain;
    private final String buffer;
    private final int limit;
    private final List<Entry> entries = new ArrayList<>();
    /** Slots that were given out and not used; together with the entries within the limit. */
    private int reserved;

    /** For {@link #DEFAULT_LIMIT} fences. */
    public Reservation(FenceDomain domain, String buffer) {
        this(domain, buffer, DEFAULT_LIMIT);
    }

    /**
     * No fences yet.
     *
     * @param buffer how findings call it
     * @param limit how many fences it has room for, at least 1
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

    /** How findings call it. */
    public String buffer() {
        return buffer;
    }

    /**
     * Makes room for fences, before the work is begun: adding them then cannot fail.
     *
     * @param count at least 1
     * @throws FenceRefusedException {@code ENOMEM} if there is not so much room
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

    /** Adds a fence in a slot that was reserved, which is spent. */
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

    /** Forgets what is signalled. */
    private void prune() {
        entries.removeIf(entry -> entry.fence.isSignalled());
    }

    /** How many fences it holds that are not signalled. */
    public synchronized int pending() {
        prune();
        return entries.size();
    }

    /** The fences of a class and of those before it that are not signalled. */
    public synchronized List<Fence> fences(Usage upTo) {
        List<Fence> found = new ArrayList<>();
        for (Entry entry : entries) {
            if (upTo.includes(entry.usage) && !entry.fence.isSignalled()) found.add(entry.fence);
        }
        return found;
    }

    /** The strongest class a fence is in; null if it is not there, or signalled. */
    public synchronized @Nullable Usage usageOf(Fence fence) {
        for (Entry entry : entries) if (entry.fence == fence && !fence.isSignalled()) return entry.usage;
        return null;
    }

    /** One fence for all of a class and those before it, as they are now; a signalled one if there are none. */
    public Fence snapshot(Usage upTo) {
        return FenceMerge.gather(domain, "%s of %s".formatted(upTo, buffer), fences(upTo));
    }

    /** Whether there is nothing to wait for in a class and those before it. A look: nobody is told that it is wanted. */
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
     * Has a callback called once, when what is there now in a class and those before it is signalled; at once if there is
     * nothing. More may have been added by then: who polls looks again.
     */
    public Subscription whenIdle(Usage upTo, FenceCallback callback) {
        return snapshot(upTo).onSignal(callback);
    }

    /**
     * Waits for what is there now in a class and those before it. What is added meanwhile is for others to wait for.
     *
     * @return whether all of it is signalled
     * @throws IllegalStateException where the calling thread must not wait; see {@link WaitGuard}
     */
    public boolean await(Usage upTo, Duration timeout) throws InterruptedException {
        return snapshot(upTo).await(timeout);
    }

    /** As {@link Fence#hintDeadline}, for a class and those before it. */
    public void hintDeadline(Usage upTo, long nanos) {
        for (Fence fence : fences(upTo)) fence.hintDeadline(nanos);
    }

    /**
     * Plans to use the buffer: what is there now comes before it. To be called when the use is put into its order, before a
     * fence of its own is added.
     *
     * @param who uses it, for findings
     * @param write whether it will be written
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
