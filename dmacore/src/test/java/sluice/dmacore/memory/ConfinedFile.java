package sluice.dmacore.memory;

import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicLong;

/** What no code of ours makes: a mapping that only the thread reaches which made it. */
public final class ConfinedFile {
    private static final int PAGE = 4096;
    private static final AtomicLong MADE = new AtomicLong();

    /** As scratch memory. */
    private record Unshared(FileMapping mapping) implements Scratch {
        @Override
        public void giveBack(long offset, long bytes) {
            mapping.segment().asSlice(offset, bytes).fill((byte) 0);
        }

        @Override
        public FileMapping keepMapping() {
            return mapping;
        }

        @Override
        public void close() {
            mapping.release();
        }
    }

    private ConfinedFile() {}

    /** Is released by the calling thread. */
    public static FileMapping of(long bytes) {
        Arena arena = Arena.ofConfined();
        return new FileMapping(new FileId(-1, MADE.incrementAndGet()), arena.allocate(bytes, PAGE), false, arena,
                Runnable::run, _ -> {});
    }

    /** {@link #of} as scratch memory: without system calls, and closed without a handshake of all threads. */
    static Scratch scratch(long bytes) {
        return new Unshared(of((bytes + PAGE - 1) & -PAGE));
    }
}
