package sluice.dmacore.space;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.Permission;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.space.SpaceFiles.OWNER;
import static sluice.dmacore.space.SpaceFiles.PAGE;
import static sluice.dmacore.space.SpaceFiles.options;

/** A device that reads while its memory is taken away. */
class DeviceSpaceRaceTest {
    private static final long SEED = 20261124;
    private static final long TIME_NANOS = TimeUnit.MILLISECONDS.toNanos(1500);
    private static final int LEAST = 100;
    /** How long a busy machine may take until each outcome was seen. */
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final byte GOOD = 1;
    private static final byte TAKEN_BACK = 2;

    /** What the device was given, and the file it is in. */
    private record Given(Segments segments, FileMapping file) {}

    private final SpaceFiles files = new SpaceFiles();
    private final AtomicReference<@Nullable Given> given = new AtomicReference<>();
    private volatile boolean done;
    private final AtomicLong resolved = new AtomicLong();
    private final AtomicLong faulted = new AtomicLong();

    @AfterEach
    void close() {
        files.close();
    }

    private interface Use {
        void use(Given what, Runs found);
    }

    /** Repeatedly resolves all of the latest mapping, until it is stopped. */
    private CompletableFuture<Void> read(DeviceSpace space, Use use) {
        return CompletableFuture.runAsync(() -> {
            Runs found = new Runs();
            try (DeviceReader reader = space.openReader()) {
                while (!done) {
                    Given what = given.get();
                    if (what == null) continue;
                    try (var _ = reader.enter()) {
                        if (reader.resolve(what.segments, 0, what.segments.bytes(), Access.READ,
                                found) == Outcome.RESOLVED) {
                            use.use(what, found);
                            resolved.incrementAndGet();
                        } else {
                            assertThat(found.count()).isZero();
                            faulted.incrementAndGet();
                        }
                    }
                }
            }
        }, task -> Thread.ofPlatform().daemon().start(task));
    }

    /** Has something happen again and again while the device reads. */
    private void whileReading(CompletableFuture<Void> device, Round round) throws Exception {
        long begun = System.nanoTime();
        int rounds = 0;
        try {
            while (!device.isDone() && !isEnough(System.nanoTime() - begun, rounds))
                round.run(rounds++);
        } finally {
            done = true;
        }
        device.get(10, TimeUnit.SECONDS);
        assertThat(resolved.get()).as("seed %d: resolved, of %d rounds", SEED, rounds).isPositive();
        assertThat(faulted.get()).as("seed %d: faulted, of %d rounds", SEED, rounds).isPositive();
    }

    private boolean isEnough(long nanos, int rounds) {
        if (nanos > LIMIT_NANOS) return true;
        return nanos > TIME_NANOS && rounds >= LEAST && resolved.get() > 0 && faulted.get() > 0;
    }

    private interface Round {
        void run(int number) throws MapException;
    }

    /** A list of pages that are not contiguous. */
    private static Runs everyOtherPage(FileMapping file, int pages) {
        Runs runs = new Runs();
        for (int i = 0; i < pages; i++) runs.add(file, 2L * i * PAGE, PAGE);
        return runs;
    }

    @Test
    void nothingIsReadAfterUnmapReturned() throws Exception {
        int pages = 8;
        FileMapping file = files.sparse(2L * pages * PAGE);
        DeviceSpace space = DeviceSpace.open(options(1 << 30));
        Runs memory = everyOtherPage(file, pages);
        Random random = new Random(SEED);
        byte[] copy = new byte[pages * (int) PAGE];
        CompletableFuture<Void> device = read(space, (what, found) -> {
            found.copyTo(0, copy, 0, copy.length);
            for (int i = 0; i < copy.length; i += 64)
                if (copy[i] != GOOD) throw new AssertionError("read after unmap returned, at byte " + i);
        });
        whileReading(device, number -> {
            file.segment().fill(GOOD);
            Segments segments = space.map(memory, Permission.READ_ONLY, OWNER);
            given.set(new Given(segments, file));
            long before = resolved.get();
            for (int i = random.nextInt(20_000); i > 0 && resolved.get() == before; i--) Thread.onSpinWait();
            space.unmap(segments);
            file.segment().fill(TAKEN_BACK);
        });
        assertThat(file.segment().get(JAVA_BYTE, 0)).isEqualTo(TAKEN_BACK);
        assertThat(space.table().statistics().overruns()).as("readers that were given up on").isZero();
    }

    /** An unmap with a bound of 0 revokes the device's section; its slot is reused for the other file at once. */
    @Test
    void aReaderThatWasGivenUpOnNeverFindsAnotherFile() throws Exception {
        // So many that finding their files takes longer than the unmap spins before it gives up.
        int pages = 8192;
        Random random = new Random(SEED);
        FileMapping[] of = { files.sparse(2L * pages * PAGE), files.sparse(2L * pages * PAGE) };
        DeviceSpace space = DeviceSpace.open(options(1 << 30).withUnmapBound(Duration.ZERO));
        Runs[] memory = { everyOtherPage(of[0], pages), everyOtherPage(of[1], pages) };
        CompletableFuture<Void> device = read(space, (what, found) -> {
            for (int run = 0; run < found.count(); run++)
                if (found.mapping(run) != what.file) throw new AssertionError("another file, in run " + run);
        });
        whileReading(device, number -> {
            Segments segments = space.map(memory[number % 2], Permission.READ_ONLY, OWNER);
            given.set(new Given(segments, of[number % 2]));
            for (int i = random.nextInt(10_000); i > 0; i--) Thread.onSpinWait();
            space.unmap(segments);
        });
    }
}
