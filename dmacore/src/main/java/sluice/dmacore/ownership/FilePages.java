package sluice.dmacore.ownership;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
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
 * <p>Pages are read and changed through a {@link Claim}, which has the stretches of one buffer to itself: two devices of one VM,
 * whose buffers lie in one file, wait for each other only where their buffers do.
 */
final class FilePages {
    /** In a page's entry: several buffers have it. */
    static final int SEVERAL = -1;

    private static final int CHUNK_SHIFT = 6;
    private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT;
    /** Stretches of pages that are claimed apart: with one bit for each 256 KiB, those of 16 GiB; then they repeat. */
    private static final int STRETCHES = 1 << 16;
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

    /** How many are at work here, or wait for their stretches. Guarded by the ledger. */
    int visitors;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    /** In the order in which they came; one that meets an older one waits. Guarded by the lock. */
    private final List<Claim> claims = new ArrayList<>();
    private final Map<Integer, Chunk> chunks = new ConcurrentHashMap<>();
    private final Map<Integer, Several> shared = new ConcurrentHashMap<>();

    boolean isEmpty() {
        return chunks.isEmpty();
    }

    /** What one thread is about to claim: the stretches of the file that a buffer touches. */
    Claim prepare() {
        return new Claim();
    }

    /** The pages of one buffer, for one thread. */
    final class Claim implements AutoCloseable {
        private final BitSet stretches = new BitSet();
        /** The one that was looked at last: pages come in order. */
        private @Nullable Chunk last;
        private int lastIndex = NOWHERE;

        /** Adds pages to what is to be claimed, up to {@code end}. */
        void add(int page, int end) {
            int first = page >>> CHUNK_SHIFT;
            int count = ((end - 1) >>> CHUNK_SHIFT) - first + 1;
            if (count >= STRETCHES) {
                stretches.set(0, STRETCHES);
                return;
            }
            int from = first % STRETCHES;
            int behind = from + count;
            stretches.set(from, Math.min(behind, STRETCHES));
            if (behind > STRETCHES) stretches.set(0, behind - STRETCHES);
        }

        /** Waits until nobody else is at these pages, and those who came before have had them. */
        void claim() {
            lock.lock();
            try {
                claims.add(this);
                while (mustWait())
                    released.awaitUninterruptibly();
            } finally {
                lock.unlock();
            }
        }

        private boolean mustWait() {
            for (Claim older : claims) {
                if (older == this) return false;
                if (older.stretches.intersects(stretches)) return true;
            }
            throw new IllegalStateException("pages that were not claimed");
        }

        @Override
        public void close() {
            lock.lock();
            try {
                claims.remove(this);
                released.signalAll();
            } finally {
                lock.unlock();
            }
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
}
