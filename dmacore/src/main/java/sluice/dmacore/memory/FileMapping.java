package sluice.dmacore.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;

/**
 * One file, mapped once as a whole, and shared by all users of a part of it.
 *
 * <p>Reference-counted: code that stores a mapping {@linkplain #retain retains} it and {@linkplain #release releases}
 * it. The last release unmaps on a helper thread, because closing a shared arena waits for every running thread of the
 * JVM (microseconds to milliseconds).
 */
public final class FileMapping {
    private final FileId id;
    private final MemorySegment segment;
    private final boolean shrinkable;
    private final Arena arena;
    private final Consumer<FileMapping> whenGone;
    private final Executor closer;
    private final AtomicInteger references = new AtomicInteger(1);
    /** Guarded by the table of mappings. */
    private final List<FileCharge> charges = new CopyOnWriteArrayList<>();

    FileMapping(FileId id, MemorySegment segment, boolean shrinkable, Arena arena, Executor closer,
            Consumer<FileMapping> whenGone) {
        this.id = id;
        this.segment = segment;
        this.shrinkable = shrinkable;
        this.arena = arena;
        this.closer = closer;
        this.whenGone = whenGone;
    }

    public FileId id() {
        return id;
    }

    /** The whole file from its first byte; access after the last release throws {@link IllegalStateException}. */
    public MemorySegment segment() {
        return segment;
    }

    /** Size in bytes at the time of mapping. */
    public long size() {
        return segment.byteSize();
    }

    /** Whether the file could be truncated while it is mapped: it lacks the seal F_SEAL_SHRINK. */
    public boolean isShrinkable() {
        return shrinkable;
    }

    /** Adds a charge that is returned at the unmap. */
    void add(FileCharge charge) {
        charges.add(charge);
    }

    /** Charges one more share for it, unless it is charged already. */
    void charge(Share share) throws ShareUsedUpException {
        if (!isPaidBy(share)) charges.add(FileCharge.take(share, size()));
    }

    boolean isPaidBy(Share share) {
        for (FileCharge charge : charges) {
            if (charge.share().equals(share)) return true;
        }
        return false;
    }

    /** The file is unmapped: returns all charges. */
    void giveBackCharges() {
        charges.forEach(FileCharge::giveBack);
        charges.clear();
    }

    /** Retains the mapping, unless its last reference was released. */
    boolean tryRetain() {
        int now = references.get();
        while (now > 0) {
            if (references.compareAndSet(now, now + 1))
                return true;
            now = references.get();
        }
        return false;
    }

    /** @throws IllegalStateException if the last reference was released */
    public FileMapping retain() {
        if (!tryRetain())
            throw new IllegalStateException(id + " is no longer mapped");
        return this;
    }

    public void release() {
        int left = references.decrementAndGet();
        if (left < 0)
            throw new IllegalStateException(id + " was released more often than retained");
        if (left == 0) {
            closer.execute(() -> {
                arena.close();
                whenGone.accept(this);
            });
        }
    }

    @Override
    public String toString() {
        return "%s, %d bytes".formatted(id, size());
    }
}
