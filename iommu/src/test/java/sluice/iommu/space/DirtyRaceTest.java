package sluice.iommu.space;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.space.IoSpaceOptions.TableKind;

import static org.assertj.core.api.Assertions.assertThat;

/** A device that writes while dirty pages are read and cleared: copying what is dirty, again and again, gets all of it. */
class DirtyRaceTest {
    private static final long SEED = 20260411;
    private static final int PAGES = 16;
    private static final long PAGE = Targets.PAGE_SIZE;
    private static final int WRITES = 100_000;
    private static final int LEAST_ROUNDS = 20;

    private final AtomicIntegerArray memory = new AtomicIntegerArray(PAGES);
    private volatile boolean stop;

    @ParameterizedTest
    @EnumSource(value = TableKind.class, names = { "FLAT", "RADIX" })
    void noWriteIsLost(TableKind kind) throws InterruptedException, MapException {
        IoSpace space = IoSpace.open(IoSpaceOptions.of("dirty", AddressRange.of(0, 1 << 24)).withTable(kind)
                .withUnmapBound(Duration.ofSeconds(30)));
        space.map(0, TargetRuns.of(0, PAGES * PAGE), Permission.READ_WRITE, SpaceFixture.OWNER);
        space.startDirtyTracking();
        Thread device = new Thread(() -> write(space));
        device.start();
        AddressRange all = AddressRange.of(0, PAGES * PAGE);
        int[] copy = new int[PAGES];
        int rounds = 0;
        long copied = 0;
        while (device.isAlive()) {
            copied += copyDirty(space, all, copy);
            if (++rounds == LEAST_ROUNDS) stop = true;
        }
        device.join();
        copied += copyDirty(space, all, copy);
        System.out.printf("%s: %d rounds copied %d pages%n", kind, rounds, copied);
        assertThat(copied).isPositive();
        for (int page = 0; page < PAGES; page++) assertThat(copy[page]).isEqualTo(memory.get(page));
    }

    private void write(IoSpace space) {
        Random random = new Random(SEED);
        TargetRuns runs = new TargetRuns();
        try (Reader reader = space.openReader()) {
            for (int i = 1; i <= WRITES || !stop; i++) {
                long iova = random.nextInt(PAGES) * PAGE;
                try (var _ = reader.enter()) {
                    long target = reader.target(iova, Access.WRITE);
                    if (target == Targets.NONE) {
                        runs.clear();
                        reader.translate(iova, 1, Access.WRITE, runs);
                        target = runs.target(0);
                    }
                    memory.setOpaque((int) (target / PAGE), i);
                }
            }
        }
    }

    private long copyDirty(IoSpace space, AddressRange all, int[] copy) {
        DirtyPages dirty = space.readAndClearDirty(all);
        for (AddressRange range : dirty.ranges()) {
            for (long iova = range.first(); iova < range.last(); iova += PAGE) {
                copy[(int) (iova / PAGE)] = memory.get((int) (iova / PAGE));
            }
        }
        return dirty.bytes() / PAGE;
    }
}
