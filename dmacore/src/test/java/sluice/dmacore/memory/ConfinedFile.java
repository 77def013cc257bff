package sluice.dmacore.memory;

import java.lang.foreign.Arena;

/** What no code of ours makes: a mapping that only the thread reaches which made it. */
public final class ConfinedFile {
    private ConfinedFile() {}

    /** Is released by the calling thread. */
    public static FileMapping of(long bytes) {
        Arena arena = Arena.ofConfined();
        return new FileMapping(new FileId(-1, 1), arena.allocate(bytes, 4096), false, arena, Runnable::run, _ -> {});
    }
}
