package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * Lets this process have no more descriptors than it has now and one (prlimit(2), RLIMIT_NOFILE), until it is closed. What is
 * loaded meanwhile for the first time fails. It lies here because native calls may be made only here.
 */
public final class DescriptorLimit implements AutoCloseable {
    private static final int RLIMIT_NOFILE = 7;
    private static final NativeCall PRLIMIT = NativeCall.returningInt("prlimit");

    private final long before;

    private DescriptorLimit(long before) {
        this.before = before;
    }

    public static DescriptorLimit oneLeft() throws ErrnoException {
        int lowestFree;
        try (Fd next = EventFd.create()) {
            lowestFree = next.number();
        }
        return new DescriptorLimit(set(lowestFree + 1L));
    }

    /** Sets the soft limit; returns the one before. */
    private static long set(long soft) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = arena.allocate(JAVA_LONG, 2);
            PRLIMIT.orThrow(PRLIMIT.call(0, RLIMIT_NOFILE, 0, limits.address(), 0, 0));
            long old = limits.getAtIndex(JAVA_LONG, 0);
            limits.setAtIndex(JAVA_LONG, 0, soft);
            PRLIMIT.orThrow(PRLIMIT.call(0, RLIMIT_NOFILE, limits.address(), 0, 0, 0));
            return old;
        }
    }

    @Override
    public void close() throws ErrnoException {
        set(before);
    }
}
