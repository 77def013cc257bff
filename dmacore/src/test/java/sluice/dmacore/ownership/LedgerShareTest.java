package sluice.dmacore.ownership;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Guests that give the ledger as much to do as they can, beside one that does not. */
class LedgerShareTest {
    private static final long PAGE = 4096;
    private static final long MIB = 1 << 20;
    /** How long a neighbour may wait for others. */
    private static final long MOST_WAITED_MILLIS = 5;
    /** Who holds one of the short locks may lose its processor meanwhile, to whatever else this machine does. */
    private static final long TIME_SLICES_MILLIS = 15;

    private final MemoryFiles files = new MemoryFiles(4);
    private final Ledger ledger = new Ledger();

    @AfterEach
    void nothingIsLeftMapped() {
        files.awaitUnmapped();
    }

    /** Scattered pages, and a list that goes over all of them three times: 98,304 pieces, entered again and again. */
    @Test
    void aBufferOfAnotherVmIsEnteredWithoutWaitingForAGreedyOne() throws Exception {
        FileMapping greedy = files.mapping(128 * MIB);
        FileMapping clean = files.mapping(16 * PAGE);
        Lines first = ledger.add(1, "first", scattered(greedy, 16_384, 2 * PAGE), true).lines();
        Runs again = new Runs();
        for (int i = 0; i < 3; i++) again.add(greedy, 0, 128 * MIB);
        AtomicBoolean end = new AtomicBoolean();
        CompletableFuture<Integer> work = CompletableFuture.supplyAsync(() -> {
            int rounds = 0;
            while (!end.get() || rounds == 0) {
                enterAndRemove(2, again);
                rounds++;
            }
            return rounds;
        });
        Runs page = new Runs();
        page.add(clean, 0, PAGE);
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        threads.setThreadContentionMonitoringEnabled(true);
        long before = waitedMillis(threads);
        long longest = 0;
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
        for (int entered = 0; System.nanoTime() < until || entered < 100; entered++) {
            enterAndRemove(3, page);
            long after = waitedMillis(threads);
            longest = Math.max(longest, after - before);
            before = after;
        }
        end.set(true);
        assertThat(work.get(60, TimeUnit.SECONDS)).isPositive();
        assertThat(longest).as("ms").isLessThanOrEqualTo(MOST_WAITED_MILLIS + TIME_SLICES_MILLIS);
        ledger.remove(first);
        greedy.release();
        clean.release();
    }

    private static long waitedMillis(ThreadMXBean threads) {
        ThreadInfo self = threads.getThreadInfo(Thread.currentThread().threadId());
        return self.getBlockedTime() + self.getWaitedTime();
    }

    private void enterAndRemove(int number, Runs memory) {
        try {
            ledger.remove(ledger.add(number, "buffer " + number, memory, true).lines());
        } catch (LedgerFullException e) {
            throw new AssertionError(e);
        }
    }

    /** Two devices of one VM, whose buffers lie in one file: 65,536 scattered pages that another buffer has too, and one page. */
    @Test
    void aBufferElsewhereInAFileIsEnteredWithoutWaitingForAGreedyOne() throws Exception {
        FileMapping ram = files.mapping(1 << 30);
        Runs list = scattered(ram, 65_536, 2 * PAGE);
        Lines first = ledger.add(1, "first", list, true).lines();
        AtomicBoolean end = new AtomicBoolean();
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Void> work = CompletableFuture.runAsync(() -> {
            while (!end.get()) {
                begun.countDown();
                enterAndRemove(2, list);
            }
        });
        begun.await();
        Runs page = new Runs();
        page.add(ram, (1 << 30) - PAGE, PAGE);
        long[] nanos = new long[101];
        for (int round = 0; round < nanos.length; round++) {
            long began = System.nanoTime();
            enterAndRemove(3, page);
            nanos[round] = System.nanoTime() - began;
        }
        end.set(true);
        work.get(60, TimeUnit.SECONDS);
        Arrays.sort(nanos);
        assertThat(nanos[nanos.length / 2]).as("ns, the median")
                .isLessThan(TimeUnit.MILLISECONDS.toNanos(MOST_WAITED_MILLIS));
        ledger.remove(first);
        ram.release();
    }

    @Test
    void whoIsAtPagesHasThemToHimself() throws Exception {
        FileMapping one = files.mapping(MIB);
        FileMapping other = files.mapping(PAGE);
        Books books = new Books();
        Runs first = run(one, 0, PAGE);
        Runs both = new Runs();
        both.add(other, 0, PAGE);
        both.add(one, 0, PAGE);
        CompletableFuture<Void> waiting;
        CompletableFuture<Void> behind;
        try (Books.Open _ = books.open(first)) {
            enter(books, run(other, 0, PAGE)).get(10, TimeUnit.SECONDS);
            enter(books, run(one, MIB / 2, PAGE)).get(10, TimeUnit.SECONDS);
            waiting = enter(books, both);
            assertThatThrownBy(() -> waiting.get(50, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            behind = enter(books, run(one, 0, MIB));
            assertThatThrownBy(() -> behind.get(50, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        }
        waiting.get(10, TimeUnit.SECONDS);
        behind.get(10, TimeUnit.SECONDS);
        one.release();
        other.release();
    }

    private static CompletableFuture<Void> enter(Books books, Runs memory) {
        return CompletableFuture.runAsync(() -> books.open(memory).close());
    }

    private static Runs run(FileMapping file, long offset, long bytes) {
        Runs run = new Runs();
        run.add(file, offset, bytes);
        return run;
    }

    /** Stretches are claimed by their number modulo 2^16: the first and the last of so large a run meet. */
    @Test
    void aRunThatIsLargerThanAllStretchesIsEntered() throws Exception {
        FileMapping large = files.mapping(40L << 30);
        Books books = new Books();
        for (long bytes : new long[]{ 40L << 30, (16L << 30) - PAGE, 20L << 30 }) {
            Runs end = run(large, (40L << 30) - bytes, bytes);
            CompletableFuture<Void> waiting;
            try (Books.Open _ = books.open(run(large, (40L << 30) - PAGE, PAGE))) {
                waiting = enter(books, end);
                assertThatThrownBy(() -> waiting.get(20, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            }
            waiting.get(10, TimeUnit.SECONDS);
        }
        large.release();
    }

    /** Buffers in two files that meet in both: groups are joined by two threads at a time, in either order. */
    @Test
    void threadsThatJoinTheSameGroupsDoNotWaitForEachOther() throws Exception {
        FileMapping one = files.mapping(64 * PAGE);
        FileMapping other = files.mapping(64 * PAGE);
        List<CompletableFuture<Void>> threads = new ArrayList<>();
        for (int thread = 0; thread < 2; thread++) {
            int base = 1 + thread * 1000;
            boolean swapped = thread == 1;
            threads.add(CompletableFuture.runAsync(() -> {
                for (int round = 0; round < 200; round++) {
                    Runs memory = new Runs();
                    memory.add(swapped ? one : other, (round % 64) * PAGE, PAGE);
                    memory.add(swapped ? other : one, ((round * 7) % 64) * PAGE, PAGE);
                    enterAndRemove(base + round, memory);
                }
            }));
        }
        for (CompletableFuture<Void> thread : threads) thread.get(60, TimeUnit.SECONDS);
        Runs all = new Runs();
        all.add(one, 0, 64 * PAGE);
        all.add(other, 0, 64 * PAGE);
        assertThat(ledger.add(9999, "all", all, true).buffers()).as("nothing is left").isEmpty();
        one.release();
        other.release();
    }

    /** One page in each 256 KiB of a file that is large and empty. */
    @Test
    void aListThatIsScatteredOverALargeFileIsPaidForAndRefusedBeforeTheHeapIsFull() throws Exception {
        Budget budget = Budget.of(Resource.HEAP, 8 * MIB);
        Share greedy = budget.share("greedy");
        Share clean = budget.share("clean");
        FileMapping sparse = files.mapping(1L << 36);
        Runs some = scattered(sparse, 10_000, 256 << 10);
        Lines first = ledger.add(1, "first", some, true, greedy).lines();
        assertThat(greedy.used(Resource.HEAP)).isBetween(2 * MIB, 6 * MIB);
        long used = greedy.used(Resource.HEAP);
        Runs more = scattered(sparse, 100_000, 256 << 10);
        assertThatThrownBy(() -> ledger.add(2, "second", more, true, greedy)).isInstanceOf(LedgerFullException.class)
                .hasMessageStartingWith("second: greedy does not get ")
                .hasMessageEndingWith(
                        "give the JVM a larger heap (SLUICE_HEAP_MIB), or serve fewer devices in one process");
        assertThat(greedy.used(Resource.HEAP)).as("nothing is kept of what was refused").isEqualTo(used);

        Lines neighbour = ledger.add(3, "neighbour", scattered(sparse, 4_000, 256 << 10), true, clean).lines();
        ledger.remove(neighbour);
        ledger.remove(first);
        assertThat(budget.used(Resource.HEAP)).isZero();
        sparse.release();
    }

    @Test
    void piecesArePaidForToo() throws Exception {
        Budget budget = Budget.of(Resource.HEAP, 64 * MIB);
        Share share = budget.share("gpu");
        FileMapping ram = files.mapping(4 * MIB);
        Lines first = ledger.add(1, "first", scattered(ram, 512, 2 * PAGE), true, share).lines();
        long before = share.used(Resource.HEAP);
        Runs whole = new Runs();
        whole.add(ram, 0, 4 * MIB);
        Lines second = ledger.add(2, "second", whole, true, share).lines();
        assertThat(second.pieceCount()).isEqualTo(1024);
        assertThat(share.used(Resource.HEAP) - before).isGreaterThanOrEqualTo(1024 * Ledger.PIECE_BYTES);
        ledger.remove(first);
        ledger.remove(second);
        assertThat(budget.used(Resource.HEAP)).isZero();
        ram.release();
    }

    private static Runs scattered(FileMapping file, int pages, long apart) {
        Runs list = new Runs();
        for (int page = 0; page < pages; page++) list.add(file, page * apart, PAGE);
        return list;
    }
}
