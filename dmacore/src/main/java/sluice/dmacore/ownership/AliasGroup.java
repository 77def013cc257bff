package sluice.dmacore.ownership;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** The lock of buffers that share lines. A buffer that shares none has a group of its own. */
final class AliasGroup {
    private static final AtomicLong NUMBERS = new AtomicLong();

    /** Lock order: the lower number first. */
    private final long number = NUMBERS.incrementAndGet();
    /** Guarded by the lock. */
    final Set<Lines> members = new HashSet<>();
    private final ReentrantLock lock = new ReentrantLock();

    /** Locks the current group of {@code lines}. */
    static AliasGroup lock(Lines lines) {
        AliasGroup group = lines.group();
        group.lock();
        while (!group.equals(lines.group())) {
            group.unlock();
            group = lines.group();
            group.lock();
        }
        return group;
    }

    /** Merges the groups of two buffers. */
    static void merge(Lines one, Lines other) {
        while (!one.group().equals(other.group()))
            mergeIfStill(one, one.group(), other, other.group());
    }

    /** No effect if a buffer's group has changed meanwhile. */
    private static void mergeIfStill(Lines one, AliasGroup from, Lines other, AliasGroup into) {
        if (from.equals(into)) return;
        AliasGroup first = from.number < into.number ? from : into;
        AliasGroup second = from.number < into.number ? into : from;
        first.lock();
        second.lock();
        try {
            if (!from.equals(one.group()) || !into.equals(other.group())) return;
            for (Lines member : from.members) member.setGroup(into);
            into.members.addAll(from.members);
            from.members.clear();
        } finally {
            second.unlock();
            first.unlock();
        }
    }

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }
}
