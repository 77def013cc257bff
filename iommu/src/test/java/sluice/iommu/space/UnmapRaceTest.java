package sluice.iommu.space;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.space.IoSpaceOptions.TableKind;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Readers that translate and use what they found, against a writer that unmaps: each target says whether it may be used,
 * and the writer takes that back once unmap has returned.
 */
class UnmapRaceTest {
    private static final long SEED = 20260402;
    private static final long PAGE = Targets.PAGE_SIZE;
    private static final int SLOTS = 8;
    private static final int READERS = 2;
    private static final int LEAST = 200;
    private static final Duration DEFAULT_TIME = Duration.ofMillis(700);
    private static final Owner OWNER = new Owner(1, "race");

    /** What takes a translation away. */
    enum Taking {
        UNMAP,
        MOVE,
        REVOKE,
        INVALIDATE,
        INVALIDATE_ALL
    }

    /** Whether the page of a target may be used: 1 yes, 0 no. */
    private final AtomicLongArray usable = new AtomicLongArray(2 * SLOTS);
    private final AtomicLong used = new AtomicLong();
    private final AtomicLong violations = new AtomicLong();
    private volatile boolean done;

    private interface ReaderSource {
        Reader open();
    }

    private final class ReadingThread extends Thread {
        private final ReaderSource source;
        private final Random random;
        private final CountDownLatch ready;

        ReadingThread(ReaderSource source, long seed, CountDownLatch ready) {
            this.source = source;
            this.random = new Random(seed);
            this.ready = ready;
        }

        @Override
        public void run() {
            TargetRuns runs = new TargetRuns();
            try (Reader reader = source.open()) {
                ready.countDown();
                while (!done) {
                    long iova = random.nextInt(SLOTS) * PAGE;
                    int uses = random.nextInt(200);
                    try (var _ = reader.enter()) {
                        long target = reader.target(iova, Access.READ);
                        if (target == Targets.NONE) {
                            runs.clear();
                            if (reader.translate(iova, PAGE, Access.READ, runs) != Outcome.RESOLVED) continue;
                            target = runs.target(0);
                        }
                        int page = (int) (target / PAGE);
                        for (int i = 0; i <= uses; i++) {
                            if (usable.getOpaque(page) == 0) violations.incrementAndGet();
                        }
                        used.incrementAndGet();
                    }
                }
            }
        }
    }

    private List<ReadingThread> startReaders(ReaderSource source) throws InterruptedException {
        CountDownLatch ready = new CountDownLatch(READERS);
        List<ReadingThread> threads = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            ReadingThread thread = new ReadingThread(source, SEED + i, ready);
            thread.start();
            threads.add(thread);
        }
        ready.await();
        return threads;
    }

    private void stop(List<ReadingThread> threads) throws InterruptedException {
        done = true;
        for (ReadingThread thread : threads) thread.join();
    }

    private static IoSpaceOptions options(TableKind kind) {
        return IoSpaceOptions.of("race", AddressRange.of(0, 1L << 24)).withTable(kind)
                .withUnmapBound(Duration.ofSeconds(30));
    }

    private void race(TableKind kind, Taking taking, int least, Duration time)
            throws InterruptedException, MapException {
        IoSpace space = IoSpace.open(options(kind));
        TranslationCache cache = TranslationCache.open(TranslationCacheOptions.of("race", 48)
                .withUnmapBound(Duration.ofSeconds(30)));
        boolean cached = taking == Taking.INVALIDATE || taking == Taking.INVALIDATE_ALL;
        List<ReadingThread> threads = startReaders(cached ? cache::openReader : space::openReader);
        long taken = 0;
        try {
            Random random = new Random(SEED);
            long end = System.nanoTime() + time.toNanos();
            int other = 0;
            long giveUp = end + Duration.ofSeconds(60).toNanos();
            // On a busy machine a reader may not run for a while.
            while (System.nanoTime() - end < 0
                    || ((taken < least || used.get() < least) && System.nanoTime() - giveUp < 0)) {
                int slot = random.nextInt(SLOTS);
                long iova = slot * PAGE;
                int page = slot + other;
                usable.set(page, 1);
                if (cached) {
                    cache.insert(iova, PAGE, page * PAGE, Permission.READ_WRITE);
                    pause(random);
                    Invalidated dropped = taking == Taking.INVALIDATE
                            ? cache.invalidate(AddressRange.of(iova, PAGE))
                            : cache.invalidateAll();
                    assertThat(dropped).isEqualTo(new Invalidated(1, 0));
                } else {
                    Mapping mapping = space.map(iova, TargetRuns.of(page * PAGE, PAGE), Permission.READ_WRITE, OWNER);
                    pause(random);
                    take(space, mapping, taking, page);
                }
                usable.set(page, 0);
                taken++;
                other = SLOTS - other;
            }
        } finally {
            stop(threads);
        }
        System.out.printf("%s %s: %d taken, %d used%n", kind, taking, taken, used.get());
        assertThat(taken).isGreaterThanOrEqualTo(least);
        assertThat(used.get()).isGreaterThanOrEqualTo(least);
        assertThat(violations).hasValue(0);
    }

    private void take(IoSpace space, Mapping mapping, Taking taking, int page) throws MapException {
        switch (taking) {
            case UNMAP -> assertThat(space.unmap(mapping).overrun()).isZero();
            case REVOKE -> {
                assertThat(space.revoke(mapping).overrun()).isZero();
                usable.set(page, 0);
                space.unmap(mapping);
            }
            case MOVE -> {
                int elsewhere = (page + SLOTS) % (2 * SLOTS);
                usable.set(elsewhere, 1);
                assertThat(space.move(mapping, TargetRuns.of(elsewhere * PAGE, PAGE))).isZero();
                usable.set(page, 0);
                space.unmap(mapping);
                usable.set(elsewhere, 0);
            }
            case INVALIDATE, INVALIDATE_ALL -> throw new IllegalArgumentException("spaces are not invalidated");
        }
    }

    /** Gives the readers a moment with the mapping. */
    private static void pause(Random random) {
        if (random.nextBoolean()) {
            LockSupport.parkNanos(random.nextInt(100_000));
        } else {
            for (int i = random.nextInt(500); i > 0; i--) Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @EnumSource(Taking.class)
    void nobodyUsesWhatWasTaken(Taking taking) throws InterruptedException, MapException {
        race(TableKind.FLAT, taking, LEAST, DEFAULT_TIME);
    }

    @Test
    void nobodyUsesWhatWasUnmappedFromARadixTable() throws InterruptedException, MapException {
        race(TableKind.RADIX, Taking.UNMAP, LEAST, DEFAULT_TIME);
    }

    @Tag("long")
    @ParameterizedTest
    @EnumSource(Taking.class)
    void nobodyUsesWhatWasTakenForLong(Taking taking) throws InterruptedException, MapException {
        race(TableKind.RADIX, taking, 10 * LEAST, Duration.ofSeconds(60));
    }

    /** The same race with an unmap that does not wait: the test above would see it. */
    @Test
    @Tag("long") // it waits for bad luck, which a busy machine gives or does not
    void theRaceIsThereToBeLost() throws InterruptedException, MapException {
        IoSpace space = IoSpace.open(options(TableKind.FLAT).withUnmapBound(Duration.ZERO));
        List<ReadingThread> threads = startReaders(space::openReader);
        try {
            Random random = new Random(SEED);
            long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (violations.get() == 0 && System.nanoTime() - end < 0) {
                int slot = random.nextInt(SLOTS);
                usable.set(slot, 1);
                Mapping mapping = space.map(slot * PAGE, TargetRuns.of(slot * PAGE, PAGE), Permission.READ_WRITE,
                        OWNER);
                pause(random);
                space.unmap(mapping);
                usable.set(slot, 0);
            }
        } finally {
            stop(threads);
        }
        assertThat(violations.get()).isPositive();
    }
}
