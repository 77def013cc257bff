package sluice.dmacore.ownership;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** The lock of buffers that share lines with each other. One that shares none has a group of its own. */
final class AliasGroup {
    private static final AtomicLong NUMBERS = new AtomicLong();

    /** Who locks two locks the one with the lower number first. */
    private final long number = NUMBERS.incrementAndGet();
    /** Guarded by the lock. */
    final Set<Lines> members = new HashSet<>();
    private final ReentrantLock lock = new ReentrantLock();

    /** Locks the group of {@code lines}, whichever it is by then. */
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

    /** Lets two buffers have one group, and with them all that share lines with either. */
    static void merge(Lines one, Lines other) {
        while (!one.group().equals(other.group()))
            mergeIfStill(one, one.group(), other, other.group());
    }

    /** Does nothing if a buffer has got another group meanwhile. */
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
