package sluice.dmacore.ownership;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.BufferSets.Move;

/**
 * The buffers of each page of a file: 0, the number of the only buffer, or a negative number that stands for {@linkplain
 * BufferSets several}. A table of two levels, so that the cost depends on the used pages, not on the file's size, and a
 * lookup is a few loads. The first buffer in a stretch of pages is charged for its state, until the stretch is unused.
 *
 * <p>Pages are read and changed through a {@link Claim}, which locks the pages from the first to the last of one buffer:
 * devices with buffers in one file wait for each other only where these ranges overlap.
 */
final class FilePages {
    private static final int CHUNK_SHIFT = 6;
    private static final int CHUNK_PAGES = 1 << CHUNK_SHIFT;
    /** Chunks of a leaf, 128 MiB of the file. Leaves are not charged: they have 2 KiB. */
    private static final int LEAF_SHIFT = 9;
    private static final int LEAF_CHUNKS = 1 << LEAF_SHIFT;
    /** Measured heap bytes of a stretch of 64 pages. */
    private static final long CHUNK_BYTES = 384;
    /** Unused stretches that are kept, because a guest often releases a buffer and registers another on its pages: 1.2 MiB. */
    private static final int MOST_IDLE = 4096;
    /** Chunks that are paid for at once. */
    private static final int PREPAID = 64;
    private static final int NOWHERE = -1;

    private static final class Chunk {
        final int[] entries = new int[CHUNK_PAGES];
        /** Who pays for it while it has a buffer, and did before. */
        @Nullable
        Share payer;
        int covered;
    }

    /** Number of active or waiting claims. Guarded by the ledger. */
    int visitors;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    /** In order of arrival; a claim that overlaps an older one waits. Guarded by the lock. */
    private final List<Claim> claims = new ArrayList<>();
    /** Leaves of chunks. A chunk belongs to the claim of its stretch; the arrays grow and get leaves under the lock. */
    private volatile @Nullable Chunk[][] directory = {};
    /** Chunks with buffers, and those without. */
    private final AtomicInteger used = new AtomicInteger();
    private final AtomicInteger idle = new AtomicInteger();
    private final BufferSets sets = new BufferSets();

    boolean isEmpty() {
        return used.get() == 0;
    }

    /** A claim of one thread: the stretches of the file used by a buffer. */
    Claim prepare() {
        return new Claim();
    }

    /** The leaf of a chunk, created if it does not exist. */
    private @Nullable Chunk[] leaf(int index) {
        @Nullable
        Chunk[][] all = directory;
        int at = index >>> LEAF_SHIFT;
        // Another thread's leaf may not be seen here yet, and is under the lock.
        if (at < all.length && all[at].length > 0) return all[at];
        lock.lock();
        try {
            all = directory;
            if (at >= all.length) {
                int from = all.length;
                all = Arrays.copyOf(all, Math.max(at + 1, Math.min(from * 2, at + 64)));
                for (int i = from; i < all.length; i++) all[i] = new @Nullable Chunk[0];
            }
            if (all[at].length == 0) all[at] = new @Nullable Chunk[LEAF_CHUNKS];
            directory = all;
            return all[at];
        } finally {
            lock.unlock();
        }
    }

    /** A leaf by its place in the directory, or null if it does not exist. */
    private @Nullable Chunk @Nullable [] known(int at) {
        @Nullable
        Chunk[][] all = directory;
        return at < all.length && all[at].length > 0 ? all[at] : null;
    }

    /** The pages of one buffer, for one thread. */
    final class Claim implements AutoCloseable {
        /** The pages claimed. */
        private int from = Integer.MAX_VALUE;
        private int to;
        private @Nullable Chunk @Nullable [] lastLeaf;
        private int lastLeafIndex = NOWHERE;
        /** The last one used, because pages are often visited in order. */
        private @Nullable Chunk last;
        private int lastIndex = NOWHERE;
        /** What becomes of pages with a given entry, because most pages of a buffer have the same one. */
        private final Map<Integer, Move> moves = new HashMap<>();
        private @Nullable Move lastMove;
        /** Whose chunks begin or end now, and bytes that it has paid for none yet, or not been given back yet. */
        private @Nullable Share account;
        private long prepaid;
        /** Chunks that have begun to be used, less those that have ended; and those that were idle before, less those that are now. */
        private int begun;
        private int awake;
        private final int idleBefore = idle.get();
        private int nextPage;

        /** Adds pages to the claim, up to {@code end}, and all between them and those added before. */
        void add(int page, int end) {
            from = Math.min(from, page >>> CHUNK_SHIFT << CHUNK_SHIFT);
            to = Math.max(to, (end - 1 | (CHUNK_PAGES - 1)) + 1);
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
                if (meets(older)) return true;
            }
            throw new IllegalStateException("pages that were not claimed");
        }

        private boolean meets(Claim other) {
            return from < other.to && other.from < to;
        }

        @Override
        public void close() {
            settleAccount(null);
            used.addAndGet(begun);
            idle.addAndGet(-awake);
            if (!moves.isEmpty()) sets.settle(moves.values());
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
                last = peek(page);
                lastIndex = index;
            }
            return last;
        }

        /** The same without a note of it, which costs more than the lookup where each page has another chunk. */
        private @Nullable Chunk peek(int page) {
            int index = page >>> CHUNK_SHIFT;
            @Nullable
            Chunk[] leaf = leafOf(index);
            return leaf == null ? null : leaf[index & (LEAF_CHUNKS - 1)];
        }

        private @Nullable Chunk @Nullable [] leafOf(int index) {
            int at = index >>> LEAF_SHIFT;
            if (at != lastLeafIndex) {
                @Nullable
                Chunk[] found = known(at);
                if (found == null) return null;
                lastLeaf = found;
                lastLeafIndex = at;
            }
            return lastLeaf;
        }

        private Chunk present(int page) {
            return Objects.requireNonNull(chunk(page), "a page with a buffer");
        }

        /** The entry of a page. */
        int entry(int page) {
            Chunk chunk = chunk(page);
            return chunk == null ? 0 : chunk.entries[page & (CHUNK_PAGES - 1)];
        }

        /**
         * Registers a buffer as the only one of the pages of some runs, up to the first page that is in use: {@link
         * #nextPage}.
         *
         * @param end index of the run after the last
         * @return the run with that page, or {@code end}
         */
        int enterUnused(Runs runs, int first, int end, Lines lines, Share payer) throws ShareUsedUpException {
            int number = lines.number();
            boolean single = runs.areSingle(Books.PAGE);
            for (int run = first; run < end; run++) {
                int page = Books.firstPage(runs, run);
                // The end of each run would cost nearly as much as all the rest.
                int stop = single ? page + 1 : Books.endPage(runs, run);
                do {
                    Chunk chunk = peek(page);
                    if (chunk == null || chunk.covered == 0) chunk = begin(page, chunk, payer);
                    int[] entries = chunk.entries;
                    if (entries[page & (CHUNK_PAGES - 1)] != 0) {
                        nextPage = page;
                        return run;
                    }
                    entries[page & (CHUNK_PAGES - 1)] = number;
                    chunk.covered++;
                } while (++page < stop);
            }
            return end;
        }

        /** Where {@link #enterUnused} has ended. */
        int nextPage() {
            return nextPage;
        }

        /** Registers a buffer as the only one of an unused page. */
        void enter(int page, Lines lines, Share payer) throws ShareUsedUpException {
            Chunk chunk = chunk(page);
            if (chunk == null || chunk.covered == 0) chunk = begin(page, chunk, payer);
            chunk.entries[page & (CHUNK_PAGES - 1)] = lines.number();
            chunk.covered++;
        }

        private Chunk begin(int page, @Nullable Chunk unused, Share payer) throws ShareUsedUpException {
            pay(payer);
            begun++;
            Chunk chunk = unused;
            if (chunk == null) {
                chunk = new Chunk();
                put(page, chunk);
            } else {
                awake++;
            }
            // A reference is not stored again: that costs the collector more than all the rest.
            if (!payer.equals(chunk.payer)) chunk.payer = payer;
            return chunk;
        }

        private void end(int page, Chunk chunk) {
            Share payer = Objects.requireNonNull(chunk.payer, "a chunk with a buffer");
            if (!payer.equals(account)) settleAccount(payer);
            prepaid += CHUNK_BYTES;
            begun--;
            if (idleBefore - awake < MOST_IDLE) {
                awake--;
                return;
            }
            put(page, null);
        }

        private void put(int page, @Nullable Chunk chunk) {
            int index = page >>> CHUNK_SHIFT;
            leaf(index)[index & (LEAF_CHUNKS - 1)] = chunk;
            lastIndex = NOWHERE;
        }

        /** Takes the price of a chunk: of several at once, because shares are shared. */
        private void pay(Share payer) throws ShareUsedUpException {
            if (!payer.equals(account)) settleAccount(payer);
            if (prepaid == 0) {
                if (payer.tryTake(Resource.HEAP, PREPAID * CHUNK_BYTES)) {
                    prepaid = PREPAID * CHUNK_BYTES;
                } else {
                    payer.take(Resource.HEAP, CHUNK_BYTES);
                    prepaid = CHUNK_BYTES;
                }
            }
            prepaid -= CHUNK_BYTES;
        }

        private void settleAccount(@Nullable Share next) {
            if (account != null) account.giveBack(Resource.HEAP, prepaid);
            account = next;
            prepaid = 0;
        }

        /** Whether an entry is that of several buffers. */
        boolean isShared(int entry) {
            return entry < 0;
        }

        /** The buffers of an entry of several. */
        List<Lines> buffers(int entry) {
            return sets.buffers(entry);
        }

        /**
         * Registers one more buffer on a page with others; no effect if it is registered.
         *
         * @param known the page's entry
         * @param only the buffer with this entry, or null if it is of several
         */
        void share(int page, int known, @Nullable Lines only, Lines lines, Share payer) throws ShareUsedUpException {
            Move move = moveFrom(known);
            if (move == null) {
                List<Lines> present = only == null ? buffers(known) : List.of(only);
                if (present.contains(lines)) return;
                List<Lines> all = new ArrayList<>(present);
                all.add(lines);
                move = begin(known, sets.add(all, payer));
            }
            carryOut(move, page);
        }

        private @Nullable Move moveFrom(int entry) {
            Move move = lastMove;
            return move != null && move.from == entry ? move : moves.get(entry);
        }

        private Move begin(int from, int to) {
            Move move = new Move(from, to);
            moves.put(from, move);
            return move;
        }

        private void carryOut(Move move, int page) {
            lastMove = move;
            move.pages++;
            present(page).entries[page & (CHUNK_PAGES - 1)] = move.to;
        }

        /** Unregisters a buffer from the pages of some runs; no effect on a page on which it is not registered. */
        void leaveAll(Runs runs, int first, int end, Lines lines) {
            int number = lines.number();
            boolean single = runs.areSingle(Books.PAGE);
            for (int run = first; run < end; run++) {
                int page = Books.firstPage(runs, run);
                int stop = single ? page + 1 : Books.endPage(runs, run);
                do {
                    Chunk chunk = peek(page);
                    if (chunk == null) continue;
                    int[] entries = chunk.entries;
                    int known = entries[page & (CHUNK_PAGES - 1)];
                    if (known == number) {
                        entries[page & (CHUNK_PAGES - 1)] = 0;
                        if (--chunk.covered == 0) end(page, chunk);
                    } else if (known < 0) {
                        leaveShared(page, known, lines);
                    }
                } while (++page < stop);
            }
        }

        private void leaveShared(int page, int known, Lines lines) {
            Move move = moveFrom(known);
            if (move == null) {
                if (!buffers(known).contains(lines)) return;
                move = begin(known, without(known, lines));
            }
            carryOut(move, page);
        }

        /** The entry of the same buffers but one, which is on its way out of all its pages. */
        private int without(int known, Lines lines) {
            for (Move move : moves.values()) {
                if (move.to == known) return move.from; // undone
            }
            return sets.without(known, lines);
        }
    }
}
