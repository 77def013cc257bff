package sluice.dmacore.ownership;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/** The lock of buffers that share lines with each other. One that shares none has a group of its own. */
final class AliasGroup {
    /** Guarded by the ledger. */
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

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }
}
