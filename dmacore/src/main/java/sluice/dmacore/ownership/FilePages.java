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
 * The buffers of each page of a file: 0, the number of the only buffer, or {@link #SEVERAL}. Sparse: the cost depends
 * on the used pages, not on the file's size. The first buffer in a stretch of pages, or the second one on a page, is
 * charged for its state, until the stretch or page is unused.
 *
 * <p>Pages are read and changed through a {@link Claim}, which locks the stretches of one buffer: devices with buffers
 * in one file wait for each other only where their buffers are close.
 */
final class FilePages {
    /** Entry of a page with several buffers. */
    static final int SEVERAL = -1;

    private static final int CHUNK_SHIFT = 6;
    private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT;
    /** Granularity of claims: one bit for each 256 KiB, repeating every 16 GiB. */
    private static final int STRETCHES = 1 << 16;
    /** Measured heap bytes of a stretch of 64 pages, and of a shared page, including the map. */
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

    /** Each buffer is listed once, even if it has the page several times; the newest is last. */
    private record Several(List<Lines> buffers, Share payer) {}

    /** Number of active or waiting claims. Guarded by the ledger. */
    int visitors;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    /** In order of arrival; a claim that overlaps an older one waits. Guarded by the lock. */
    private final List<Claim> claims = new ArrayList<>();
    private final Map<Integer, Chunk> chunks = new ConcurrentHashMap<>();
    private final Map<Integer, Several> shared = new ConcurrentHashMap<>();

    boolean isEmpty() {
        return chunks.isEmpty();
    }

    /** A claim of one thread: the stretches of the file used by a buffer. */
    Claim prepare() {
        return new Claim();
    }

    /** The pages of one buffer, for one thread. */
    final class Claim implements AutoCloseable {
        private final BitSet stretches = new BitSet();
        /** The last one used, because pages are visited in order. */
        private @Nullable Chunk last;
        private int lastIndex = NOWHERE;

        /** Adds pages to the claim, up to {@code end}. */
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

        /** Waits for older claims of these pages. */
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

        /** The entry of a page. */
        int entry(int page) {
            Chunk chunk = chunk(page);
            return chunk == null ? 0 : chunk.entries[page & (CHUNK_PAGES - 1)];
        }

        /** Registers a buffer as the only one of an unused page. */
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

        /** Whether a page is shared by several buffers. */
        boolean isShared(int page) {
            return entry(page) == SEVERAL;
        }

        /** The buffers of a shared page. */
        List<Lines> sharing(int page) {
            return several(page).buffers;
        }

        private Several several(int page) {
            return Objects.requireNonNull(shared.get(page), "a shared page has a list");
        }

        /** Registers a second buffer on a page. */
        void share(int page, Lines first, Lines second, Share payer) throws ShareUsedUpException {
            payer.take(Resource.HEAP, SHARED_BYTES);
            shared.put(page, new Several(new ArrayList<>(List.of(first, second)), payer));
            set(page, SEVERAL);
        }

        private void set(int page, int entry) {
            Chunk chunk = Objects.requireNonNull(chunk(page), "a page with a buffer");
            chunk.entries[page & (CHUNK_PAGES - 1)] = entry;
        }

        /** Unregisters a buffer from a page; no effect if it is not registered. */
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
            Chunk chunk = Objects.requireNonNull(chunk(page), "a page with a buffer");
            chunk.entries[page & (CHUNK_PAGES - 1)] = 0;
            if (--chunk.covered > 0) return;
            chunks.remove(page >>> CHUNK_SHIFT);
            last = null;
            chunk.payer.giveBack(Resource.HEAP, CHUNK_BYTES);
        }
    }
}
