package sluice.dmacore.ownership;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;

/**
 * Which buffers have the pages of one file: for each page 0, the number of the only buffer there, or {@link #SEVERAL}. Costs what
 * pages are in use, wherever they lie in the file: a file may be large and empty. Who is the first at a stretch of pages, or
 * makes a page one of several, pays for what is kept of it, until nobody is there any more.
 *
 * <p>Guarded by its lock, so that buffers in other files, those of other VMs, never wait for this one's.
 */
final class FilePages {
    /** In a page's entry: several buffers have it. */
    static final int SEVERAL = -1;

    private static final int CHUNK_SHIFT = 6;
    private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT;
    /** What is kept of a stretch of 64 pages, and of a page that several have: measured, with what the map needs. */
    private static final long CHUNK_BYTES = 384;
    private static final long SHARED_BYTES = 192;
    private static final int NOWHERE = -1;

    private static final class Chunk {
        final int[] entries = new int[CHUNK_PAGES];
        final Share payer;
        int covered;

        Chunk(Share payer) {
            this.payer = payer;
        }
    }

    /** Each buffer is in the list once, however often it has the page: the newest is the last. */
    private record Several(List<Lines> buffers, Share payer) {}

    final ReentrantLock lock = new ReentrantLock();
    /** How many are at work here, or wait for the lock. Guarded by the ledger. */
    int visitors;

    private final Map<Integer, Chunk> chunks = new HashMap<>();
    private final Map<Integer, Several> shared = new HashMap<>();
    /** The one that was looked at last: pages come in order. */
    private @Nullable Chunk last;
    private int lastIndex = NOWHERE;

    boolean isEmpty() {
        return chunks.isEmpty();
    }

    private @Nullable Chunk chunk(int page) {
        int index = page >>> CHUNK_SHIFT;
        if (index != lastIndex) {
            last = chunks.get(index);
            lastIndex = index;
        }
        return last;
    }

    /** Whose a page is. */
    int entry(int page) {
        Chunk chunk = chunk(page);
        return chunk == null ? 0 : chunk.entries[page & (CHUNK_PAGES - 1)];
    }

    /** Enters a buffer as the only one that has a page, which nobody has. */
    void enter(int page, Lines lines, Share payer) throws ShareUsedUpException {
        Chunk chunk = chunk(page);
        if (chunk == null) {
            payer.take(Resource.HEAP, CHUNK_BYTES);
            chunk = new Chunk(payer);
            chunks.put(page >>> CHUNK_SHIFT, chunk);
            last = chunk;
        }
        chunk.entries[page & (CHUNK_PAGES - 1)] = lines.number();
        chunk.covered++;
    }

    /** Whether several buffers have lines of a page. */
    boolean isShared(int page) {
        return entry(page) == SEVERAL;
    }

    /** The buffers that have lines of a page which several have. */
    List<Lines> sharing(int page) {
        return several(page).buffers;
    }

    private Several several(int page) {
        return Objects.requireNonNull(shared.get(page), "a shared page has a list");
    }

    /** Enters a second buffer on a page that one has. */
    void share(int page, Lines first, Lines second, Share payer) throws ShareUsedUpException {
        payer.take(Resource.HEAP, SHARED_BYTES);
        shared.put(page, new Several(new ArrayList<>(List.of(first, second)), payer));
        set(page, SEVERAL);
    }

    private void set(int page, int entry) {
        Chunk chunk = Objects.requireNonNull(chunk(page), "a page that somebody has");
        chunk.entries[page & (CHUNK_PAGES - 1)] = entry;
    }

    /** Takes a buffer off a page; does nothing if it is not there, or not any more. */
    void leave(int page, Lines lines) {
        int known = entry(page);
        if (known == lines.number()) {
            clear(page);
        } else if (known == SEVERAL) {
            Several several = several(page);
            several.buffers.remove(lines);
            if (several.buffers.size() > 1) return;
            shared.remove(page);
            several.payer.giveBack(Resource.HEAP, SHARED_BYTES);
            set(page, several.buffers.getFirst().number());
        }
    }

    private void clear(int page) {
        Chunk chunk = Objects.requireNonNull(chunk(page), "a page that somebody has");
        chunk.entries[page & (CHUNK_PAGES - 1)] = 0;
        if (--chunk.covered > 0) return;
        chunks.remove(page >>> CHUNK_SHIFT);
        last = null;
        chunk.payer.giveBack(Resource.HEAP, CHUNK_BYTES);
    }
}
