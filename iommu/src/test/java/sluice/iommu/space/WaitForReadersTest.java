package sluice.iommu.space;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.epoch.OtherThread;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.OWNER;
import static sluice.iommu.space.SpaceFixture.refused;

/**
 * Every call that takes something away waits for the readers that may use it. One reader stays in its section here, so that
 * a call that waits comes back with an overrun, and a call that does not wait without.
 */
@Timeout(60)
class WaitForReadersTest {
    private static final Duration BOUND = Duration.ofMillis(20);
    private static final AddressRange PAGE_0 = AddressRange.of(0, KIB4);
    private static final AddressRange PAGE_1 = AddressRange.of(KIB4, KIB4);

    private final OtherThread device = new OtherThread();
    private final AtomicInteger barriers = new AtomicInteger();
    private final List<Runnable> atBarrier = new CopyOnWriteArrayList<>();
    private final IoSpace space = IoSpace.open(IoSpaceOptions.of("space", AddressRange.of(0, 1L << 40))
            .withUnmapBound(BOUND).withBarrier(this::barrier));
    private final TranslationCache cache = TranslationCache.open(TranslationCacheOptions.of("cache", 48)
            .withUnmapBound(BOUND).withCapacity(2).withBarrier(this::barrier));

    private void barrier() {
        barriers.incrementAndGet();
        atBarrier.forEach(Runnable::run);
    }

    @AfterEach
    void endTheDevice() {
        device.close();
    }

    /** What takes something away from a space, in which one page is mapped at 0. */
    enum Taking {
        UNMAP,
        UNMAP_RANGE,
        REVOKE,
        MOVE,
        DETACH,
        BEGIN_DIRTY_TRACKING,
        AWAIT_READERS,
        MAP_THAT_FAILS,
        MAP_ANYWHERE_THAT_FAILS;

        /** Whether the space records an exceeded bound; not for addresses that were never returned to a caller. */
        boolean isRecorded() {
            return this != MAP_THAT_FAILS && this != MAP_ANYWHERE_THAT_FAILS;
        }
    }

    /** Returns how many users were given up on, as the call says itself, or else the space. */
    private long take(Taking taking, Mapping mapping) throws MapException {
        switch (taking) {
            case UNMAP -> {
                return space.unmap(mapping).overrun();
            }
            case UNMAP_RANGE -> {
                return space.unmap(PAGE_0, Splitting.REFUSED).overrun();
            }
            case REVOKE -> {
                return space.revoke(mapping).overrun();
            }
            case MOVE -> {
                return space.move(mapping, TargetRuns.of(KIB4, KIB4));
            }
            case AWAIT_READERS -> {
                return space.awaitReaders();
            }
            case DETACH -> assertThat(space.detach().mappings()).hasSize(1);
            case BEGIN_DIRTY_TRACKING -> space.startDirtyTracking();
            case MAP_THAT_FAILS -> failing(
                    () -> space.map(KIB4, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER));
            case MAP_ANYWHERE_THAT_FAILS -> failing(
                    () -> space.map(Placement.ANYWHERE, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER));
        }
        return space.statistics().overruns();
    }

    private void failing(SpaceFixture.MapAction map) {
        space.inject(new Rule.FailMap("fail", Occurrences.ALWAYS, 1));
        refused(Refusal.INJECTED, 12, map);
    }

    private Mapping mapPage() throws MapException {
        return space.map(0, TargetRuns.of(0, KIB4), Permission.READ_WRITE, OWNER);
    }

    /** A reader of the device's that is in its section. */
    private Reader stubborn(Callable<Reader> source) {
        return device.call(() -> {
            Reader reader = source.call();
            reader.enter();
            return reader;
        });
    }

    private void write(Reader reader, long iova) {
        assertThat(device.call(() -> reader.translate(iova, 1, Access.WRITE, new TargetRuns())))
                .isEqualTo(Outcome.RESOLVED);
    }

    @ParameterizedTest
    @EnumSource(Taking.class)
    void aSectionThatBeganBeforeIsWaitedForAndGivenUpOn(Taking taking) throws MapException {
        Mapping mapping = mapPage();
        Reader reader = stubborn(space::openReader);
        long begin = System.nanoTime();
        assertThat(take(taking, mapping)).isEqualTo(1);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(BOUND.toNanos());
        assertThat(barriers).hasValue(1);
        assertThat(space.statistics().barriers()).isEqualTo(1);
        assertThat(space.statistics().overruns()).isEqualTo(1);
        assertThat(device.call(reader::revoked)).isTrue();
        assertThat(space.faults().count(FaultReason.TIMEOUT)).isEqualTo(taking.isRecorded() ? 1 : 0);
    }

    @ParameterizedTest
    @EnumSource(Taking.class)
    void aReaderBetweenItsSectionsIsFencedAndNotWaitedFor(Taking taking) throws MapException {
        Mapping mapping = mapPage();
        Reader reader = stubborn(space::openReader);
        device.run(() -> reader.section().leave());
        assertThat(take(taking, mapping)).isZero();
        assertThat(barriers).hasValue(1);
        assertThat(space.statistics().overruns()).isZero();
        assertThat(space.faults().total()).isZero();
    }

    @Test
    void whoeverBeginsMeanwhileFindsNothingAndIsNotWaitedFor() throws MapException {
        Reader reader = device.call(space::openReader);
        Mapping mapping = mapPage();
        atBarrier.add(() -> device.run(() -> {
            reader.enter();
            assertThat(reader.target(0, Access.READ)).isEqualTo(Targets.NONE);
        }));
        assertThat(space.unmap(mapping).overrun()).isZero();
    }

    @Test
    void aPinIsWaitedForWhenItsMappingIsRevoked() throws MapException {
        Mapping mapping = mapPage();
        assertThat(mapping.pin()).isNotNull();
        long begin = System.nanoTime();
        assertThat(space.revoke(mapping).overrun()).isEqualTo(1);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(BOUND.toNanos());
        assertThat(space.faults().take()).singleElement()
                .satisfies(fault -> assertThat(fault.length()).isEqualTo(KIB4));
    }

    /** Readers that got hold of entries that were written before the table was full. */
    @Test
    void aMapThatTheTableHasNoRoomForWaits() throws MapException {
        stubborn(space::openReader);
        TargetRuns page = TargetRuns.of(0, KIB4);
        long next = 0;
        MapException full = null;
        while (full == null) {
            try {
                space.map(next, page, Permission.READ_WRITE, OWNER);
                next += SpaceFixture.GIB1 / 16;
            } catch (MapException refusal) {
                full = refusal;
            }
        }
        assertThat(full.refusal()).isEqualTo(Refusal.TABLE_FULL);
        assertThat(space.statistics().overruns()).isEqualTo(1);
    }

    @Test
    void whatIsRefusedBeforeAnythingIsWrittenWaitsForNobody() throws MapException {
        mapPage();
        stubborn(space::openReader);
        refused(Refusal.OVERLAP, 22, this::mapPage);
        refused(Refusal.MISALIGNED, 22, () -> space.unmap(AddressRange.of(0, 5), Splitting.ALLOWED));
        assertThat(barriers).hasValue(0);
    }

    // ---- dirty pages

    @Test
    void aWriteThatIsUnderWayIsDoneBeforeItsPageIsClean() throws MapException {
        mapPage();
        space.startDirtyTracking();
        Reader reader = stubborn(space::openReader);
        write(reader, 5);
        assertThat(space.readDirty(PAGE_0).ranges()).containsExactly(PAGE_0);
        assertThat(barriers).as("it only looks").hasValue(0);
        assertThat(space.readAndClearDirty(PAGE_0).ranges()).containsExactly(PAGE_0);
        assertThat(barriers).hasValue(1);
        assertThat(space.statistics().overruns()).isEqualTo(1);
        assertThat(space.readAndClearDirty(PAGE_0).ranges()).isEmpty();
        assertThat(barriers).as("nothing was dirty").hasValue(1);
    }

    @Test
    void theEndOfDirtyTrackingTakesNothingAway() throws MapException {
        mapPage();
        space.startDirtyTracking();
        write(stubborn(space::openReader), 5);
        space.stopDirtyTracking();
        assertThat(barriers).hasValue(0);
        assertThat(space.readDirty(PAGE_0).ranges()).isEmpty();
    }

    // ---- nothing to take

    @Test
    void anUnmapOfNothingWaitsForNobody() throws MapException {
        Mapping mapping = mapPage();
        space.unmap(mapping);
        stubborn(space::openReader);
        assertThat(space.unmap(mapping).overrun()).isZero();
        assertThat(space.unmap(PAGE_0, Splitting.ALLOWED)).isEqualTo(new Unmapped(0, List.of(), 0));
        assertThat(barriers).hasValue(0);
    }

    /** What it did not find may have been taken by a call that has not finished waiting: it returns no sooner. */
    @Test
    void anUnmapOfNothingWaitsAsLongAsAnotherDoes() throws MapException {
        Mapping mapping = mapPage();
        stubborn(space::openReader);
        try (OtherThread second = new OtherThread()) {
            List<Unmapped> results = new ArrayList<>();
            atBarrier.add(() -> {
                atBarrier.clear();
                results.add(second.call(() -> space.unmap(PAGE_0, Splitting.ALLOWED)));
            });
            assertThat(space.unmap(mapping).overrun()).isEqualTo(1);
            assertThat(results).containsExactly(new Unmapped(0, List.of(), 1));
        }
        assertThat(space.unmap(PAGE_0, Splitting.ALLOWED).overrun()).as("nobody waits any more").isZero();
    }

    // ---- the cache

    private void insert(long iova, long target) throws MapException {
        cache.insert(iova, KIB4, target, Permission.READ_WRITE);
    }

    @Test
    void anInvalidationWaitsAndRecordsWhoDidNotLetGo() throws MapException {
        insert(0, 0);
        insert(KIB4, 0);
        Reader reader = stubborn(cache::openReader);
        long begin = System.nanoTime();
        assertThat(cache.invalidate(PAGE_0)).isEqualTo(new Invalidated(1, 1));
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(BOUND.toNanos());
        assertThat(device.call(reader::revoked)).isTrue();
        assertThat(cache.faults().take()).singleElement().satisfies(fault -> {
            assertThat(fault.reason()).isEqualTo(FaultReason.TIMEOUT);
            assertThat(fault.iova()).isZero();
            assertThat(fault.length()).isEqualTo(KIB4);
        });
        assertThat(cache.invalidateAll()).isEqualTo(new Invalidated(1, 1));
        assertThat(barriers).hasValue(2);
        assertThat(cache.invalidateAll()).as("nothing is left").isEqualTo(new Invalidated(0, 0));
        assertThat(barriers).hasValue(2);
    }

    @Test
    void anInvalidationOfNothingWaitsAsLongAsAnotherDoes() throws MapException {
        insert(0, 0);
        stubborn(cache::openReader);
        try (OtherThread second = new OtherThread()) {
            List<Invalidated> results = new ArrayList<>();
            atBarrier.add(() -> {
                atBarrier.clear();
                results.add(second.call(() -> cache.invalidate(PAGE_0)));
            });
            assertThat(cache.invalidate(PAGE_0)).isEqualTo(new Invalidated(1, 1));
            assertThat(results).containsExactly(new Invalidated(0, 1));
        }
        assertThat(cache.invalidate(PAGE_0)).as("nobody waits any more").isEqualTo(new Invalidated(0, 0));
    }

    /** A front-end that says that an address leads elsewhere takes the old page away; the promise is kept at the next INVALIDATE. */
    @Test
    void whatAnotherTargetReplacedIsWaitedForByTheNextInvalidation() throws MapException {
        insert(0, 0);
        stubborn(cache::openReader);
        insert(0, KIB4);
        assertThat(barriers).as("an insertion does not wait").hasValue(0);
        assertThat(cache.invalidate(PAGE_1)).isEqualTo(new Invalidated(0, 1));
        assertThat(cache.invalidate(PAGE_1)).as("once").isEqualTo(new Invalidated(0, 0));
    }

    @Test
    void whatMadeRoomIsWaitedForByTheNextInvalidation() throws MapException {
        insert(0, 0);
        insert(KIB4, KIB4);
        stubborn(cache::openReader);
        assertThat(cache.invalidate(AddressRange.of(4 * KIB4, KIB4))).isEqualTo(new Invalidated(0, 0));
        insert(2 * KIB4, 2 * KIB4);
        assertThat(cache.size()).isEqualTo(2);
        assertThat(cache.invalidate(PAGE_0)).isEqualTo(new Invalidated(0, 1));
    }

    @Test
    void whatIsSaidAgainTakesNothingAway() throws MapException {
        insert(0, 0);
        stubborn(cache::openReader);
        insert(0, 0);
        cache.insert(0, 2 * KIB4, 0, Permission.READ_ONLY);
        assertThat(cache.invalidate(AddressRange.of(4 * KIB4, KIB4))).isEqualTo(new Invalidated(0, 0));
        assertThat(barriers).hasValue(0);
    }

    @Test
    void whatWaitsForReadersIsRefusedInsideOfASectionOfOnesOwn() throws MapException {
        Mapping mapping = mapPage();
        Reader own = space.openReader();
        try (var _ = own.enter()) {
            for (Taking taking : Taking.values()) {
                if (!taking.isRecorded()) continue; // a map takes nothing away unless it fails
                assertThatThrownBy(() -> take(taking, mapping)).as("%s", taking)
                        .isInstanceOf(IllegalStateException.class).hasMessageContaining("leave it first");
            }
            assertThatThrownBy(space::stopDirtyTracking).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> space.readAndClearDirty(PAGE_0)).isInstanceOf(IllegalStateException.class);
            assertThat(own.target(0, Access.WRITE)).as("nothing was changed").isZero();
        }
        assertThat(space.mappings()).containsExactly(mapping);
    }
}
