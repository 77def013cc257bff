package sluice.dmacore.model;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Ledger;
import sluice.dmacore.ownership.Lines;

import static org.assertj.core.api.Assertions.assertThat;

/** A device that does not snoop, whose guest attaches all it can, beside one of another VM. */
class ShadowNeighbourTest {
    private static final long PAGE = 4096;
    private static final long GREEDY_BYTES = 128 << 20;
    /** How long a neighbour may wait for others. */
    private static final long MOST_WAITED_MILLIS = 5;
    /** Who holds the lock of the table may lose its processor meanwhile, to whatever else this machine does. */
    private static final long TIME_SLICES_MILLIS = 15;

    private final MemoryFiles files = new MemoryFiles(8);
    private final Ledger ledger = new Ledger();
    private final ShadowCaches caches = new ShadowCaches(files.mappings(), new Eviction.Lazy());

    @AfterEach
    void nothingIsLeftMapped() {
        files.awaitUnmapped();
    }

    private Lines lines(int number, FileMapping file, long offset, long bytes) throws Exception {
        Runs runs = new Runs();
        runs.add(file, offset, bytes);
        return ledger.add(number, "buffer " + number, runs, true).lines();
    }

    @Test
    void onesPagesArePlayedWithoutWaitingForAnothers() throws Exception {
        FileMapping large = files.mapping(PAGE + GREEDY_BYTES);
        FileMapping small = files.mapping(2 * PAGE);
        Lines greedy = lines(1, large, PAGE, GREEDY_BYTES);
        Lines clean = lines(2, small, PAGE, PAGE);
        // While a device has the first page of each, the shadows stay.
        List<Lines> first = List.of(lines(3, large, 0, PAGE), lines(4, small, 0, PAGE));
        first.forEach(caches::covered);
        AtomicBoolean end = new AtomicBoolean();
        CompletableFuture<Integer> work = CompletableFuture.supplyAsync(() -> {
            int rounds = 0;
            while (!end.get() || rounds == 0) {
                caches.covered(greedy);
                caches.uncovered(greedy);
                rounds++;
            }
            return rounds;
        });
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        threads.setThreadContentionMonitoringEnabled(true);
        long before = waitedMillis(threads);
        long longest = 0;
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
        for (int rounds = 0; System.nanoTime() < until || rounds < 20; rounds++) {
            caches.covered(clean);
            caches.uncovered(clean);
            long after = waitedMillis(threads);
            longest = Math.max(longest, after - before);
            before = after;
        }
        end.set(true);
        assertThat(work.get(60, TimeUnit.SECONDS)).isPositive();
        assertThat(longest).as("ms").isLessThanOrEqualTo(MOST_WAITED_MILLIS + TIME_SLICES_MILLIS);
        first.forEach(caches::uncovered);
        for (Lines lines : List.of(greedy, clean, first.getFirst(), first.getLast())) ledger.remove(lines);
        large.release();
        small.release();
    }

    /** Two devices of one VM, whose buffers lie in one file. */
    @Test
    void onesPagesArePlayedWithoutWaitingLongForAnothersInTheFile() throws Exception {
        FileMapping ram = files.mapping(GREEDY_BYTES + PAGE);
        Lines greedy = lines(1, ram, 0, GREEDY_BYTES);
        Lines clean = lines(2, ram, GREEDY_BYTES, PAGE);
        AtomicBoolean end = new AtomicBoolean();
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Void> work = CompletableFuture.runAsync(() -> {
            while (!end.get()) {
                begun.countDown();
                caches.covered(greedy);
                caches.uncovered(greedy);
            }
        });
        begun.await();
        long[] nanos = new long[21];
        for (int round = 0; round < nanos.length; round++) {
            long began = System.nanoTime();
            caches.covered(clean);
            caches.uncovered(clean);
            nanos[round] = System.nanoTime() - began;
        }
        end.set(true);
        work.get(60, TimeUnit.SECONDS);
        Arrays.sort(nanos);
        assertThat(nanos[nanos.length / 2]).as("ns, the median")
                .isLessThan(TimeUnit.MILLISECONDS.toNanos(MOST_WAITED_MILLIS));
        ledger.remove(greedy);
        ledger.remove(clean);
        ram.release();
    }

    private static long waitedMillis(ThreadMXBean threads) {
        ThreadInfo self = threads.getThreadInfo(Thread.currentThread().threadId());
        return self.getBlockedTime() + self.getWaitedTime();
    }
}
