package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Mman;
import sluice.dmacore.memory.Runs;
import sluice.vdev.codec.PictureMemory;

/**
 * The pages of a buffer in one piece of address space of our own, into which the native code of a codec's library writes: it
 * sees no other memory of the guest. It is made once for a buffer, because that costs more than to copy a picture.
 */
final class StitchedPages {
    /** Most pieces of a buffer: 16 MiB of single pages. */
    static final int MOST_PIECES = 4096;
    private static final Logger LOG = LoggerFactory.getLogger(StitchedPages.class);

    private static final Executor CLOSER = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-unmap-codec").daemon().factory());

    private final Share share;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final long bytes;
    private final int mappings;

    private StitchedPages(Runs runs, long bytes, int mappings, Share share) throws ErrnoException {
        this.share = share;
        this.bytes = bytes;
        this.mappings = mappings;
        boolean done = false;
        try {
            memory = Mman.mapAnonymous(whole(bytes + PictureMemory.SLACK), arena);
            for (int run = 0; run < runs.count(); run++)
                Mman.mapAgain(runs.mapping(run).segment().asSlice(runs.offset(run), whole(runs.length(run))), memory,
                        runs.start(run));
            done = true;
        } finally {
            if (!done) arena.close();
        }
    }

    /**
     * Maps pages again, in a read section of the runs.
     *
     * @return null if that cannot be: they are not whole pages, may disappear, are too many pieces, or the process has too many
     *         mappings
     */
    static @Nullable StitchedPages of(Runs runs, Share share) {
        if (!areWhole(runs)) return null;
        int mappings = runs.count() + 1;
        if (!share.takeOrTell(Resource.MAPPINGS, mappings)) return null;
        StitchedPages made = null;
        try {
            made = new StitchedPages(runs, runs.bytes(), mappings, share);
        } catch (ErrnoException e) {
            LOG.warn("a buffer of {} pieces is copied into: {}", runs.count(), e.getMessage());
        } finally {
            if (made == null) share.giveBack(Resource.MAPPINGS, mappings);
        }
        return made;
    }

    private static boolean areWhole(Runs runs) {
        long page = Mman.pageSize();
        if (runs.count() == 0 || runs.count() > MOST_PIECES) return false;
        for (int run = 0; run < runs.count(); run++) {
            boolean last = run == runs.count() - 1;
            MemorySegment file = runs.mapping(run).segment();
            if (runs.offset(run) % page != 0 || (!last && runs.length(run) % page != 0)
                    || runs.offset(run) + whole(runs.length(run)) > file.byteSize() || file.isReadOnly()
                    || runs.mapping(run).isShrinkable())
                return false;
        }
        return true;
    }

    private static long whole(long length) {
        return Math.ceilDiv(length, Mman.pageSize()) * Mman.pageSize();
    }

    /** The pages, and after them what may be read. */
    MemorySegment memory() {
        return memory;
    }

    /** The guest has its pages again: native code that is still at work finds zeros. */
    void takeAway() {
        try {
            Mman.overlayAnonymous(memory, 0, whole(bytes));
        } catch (ErrnoException e) {
            throw new IllegalStateException("pages cannot be taken away from a codec", e);
        }
    }

    /** Unmaps; nobody uses it any more. On a thread of its own, because that waits for all threads of the process. */
    void close() {
        CLOSER.execute(() -> {
            arena.close();
            share.giveBack(Resource.MAPPINGS, mappings);
        });
    }
}
