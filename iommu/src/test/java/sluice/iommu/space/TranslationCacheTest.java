package sluice.iommu.space;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.iommu.space.SpaceFixture.GIB1;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.MIB2;
import static sluice.iommu.space.SpaceFixture.refused;

/** A cache of translations: vm-memory's IOTLB tests, and what a front-end does to one. */
class TranslationCacheTest {
    private static final long SEED = 20260410;

    private final TranslationCache cache = TranslationCache.open(TranslationCacheOptions.of("iotlb", 48));
    private final Reader reader = cache.openReader();
    private final TargetRuns runs = new TargetRuns();

    private Outcome translate(long iova, long length, Access access) {
        runs.clear();
        try (var _ = reader.enter()) {
            return reader.translate(iova, length, access, runs);
        }
    }

    private void misses(long iova, long length, Access access, long failed) {
        assertThat(translate(iova, length, access)).isEqualTo(Outcome.MISS);
        assertThat(reader.result().address()).isEqualTo(failed);
        assertThat(reader.fault()).isNull();
        assertThat(runs.count()).isZero();
    }

    private void finds(long iova, long length, Access access, String expected) {
        assertThat(translate(iova, length, access)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs).hasToString(expected);
    }

    /** vm-memory test_iotlb_perms: what lacks a permission is as good as absent, and is asked for again. */
    @Test
    void iotlbPerms() throws MapException {
        cache.insert(0, 4 * KIB4, 0x10_0000, Permission.READ_ONLY);
        cache.insert(4 * KIB4, 4 * KIB4, 0x10_4000, Permission.READ_WRITE);
        finds(0, 8 * KIB4, Access.READ, "[0x100000+32768]");
        misses(0, 8 * KIB4, Access.WRITE, 0);
        misses(3 * KIB4 + 5, 2 * KIB4, Access.WRITE, 3 * KIB4 + 5);
        finds(4 * KIB4, KIB4, Access.WRITE, "[0x104000+4096]");
        assertThat(cache.faults().total()).as("a miss is no fault").isZero();
    }

    /** vm-memory test_iotlb_invalidation: a hole in the middle. */
    @Test
    void iotlbInvalidation() throws MapException {
        for (int page = 0; page < 8; page++)
            cache.insert(page * KIB4, KIB4, 0x10_0000 + page * KIB4, Permission.READ_WRITE);
        assertThat(cache.invalidate(AddressRange.of(3 * KIB4, 2 * KIB4))).isEqualTo(new Invalidated(2, 0));
        finds(0, 3 * KIB4, Access.WRITE, "[0x100000+12288]");
        misses(0, 8 * KIB4, Access.READ, 3 * KIB4);
        finds(5 * KIB4, 3 * KIB4, Access.WRITE, "[0x105000+12288]");
        assertThat(cache.size()).isEqualTo(6);
    }

    /** An entry is dropped as a whole: a part of it may be stale. */
    @Test
    void anEntryThatIsTouchedIsDroppedAsAWhole() throws MapException {
        cache.insert(MIB2, MIB2, 0, Permission.READ_WRITE);
        assertThat(cache.invalidate(AddressRange.of(2 * MIB2 - KIB4, KIB4)).entries()).isEqualTo(1);
        misses(MIB2, 1, Access.READ, MIB2);
        assertThat(cache.size()).isZero();
    }

    /** DPDK's cache adds up neighbours without a look at where they lead. */
    @Test
    void neighboursThatLeadElsewhereAreNoRun() throws MapException {
        cache.insert(0, KIB4, 0x10_0000, Permission.READ_WRITE);
        cache.insert(KIB4, KIB4, 0x30_0000, Permission.READ_WRITE);
        finds(0, 2 * KIB4, Access.READ, "[0x100000+4096, 0x300000+4096]");
        try (var _ = reader.enter()) {
            assertThat(reader.translateContiguous(0, 2 * KIB4, Access.READ, new TargetRuns()))
                    .isEqualTo(Outcome.FAULT);
        }
    }

    @Test
    void proofsAddUpAndAnotherTargetReplaces() throws MapException {
        cache.insert(0, KIB4, 0x10_0000, Permission.READ_ONLY);
        cache.insert(0, KIB4, 0x10_0000, Permission.WRITE_ONLY);
        finds(0, 1, Access.READ, "[0x100000+1]");
        finds(0, 1, Access.WRITE, "[0x100000+1]");
        cache.insert(0, KIB4, 0x20_0000, Permission.READ_ONLY);
        finds(0, 1, Access.READ, "[0x200000+1]");
        misses(0, 1, Access.WRITE, 0);
        assertThat(cache.size()).isEqualTo(1);
        // A large entry around a small one: what was proven of the small one stays.
        cache.insert(MIB2 + 5 * KIB4, KIB4, 5 * KIB4, Permission.WRITE_ONLY);
        cache.insert(MIB2, MIB2, 0, Permission.READ_ONLY);
        finds(MIB2, MIB2, Access.READ, "[0x0+2097152]");
        finds(MIB2 + 5 * KIB4, KIB4, Access.WRITE, "[0x5000+4096]");
        misses(MIB2 + 4 * KIB4, 2 * KIB4, Access.WRITE, MIB2 + 4 * KIB4);
        misses(MIB2 + 5 * KIB4, 2 * KIB4, Access.WRITE, MIB2 + 6 * KIB4);
    }

    @Test
    void theOldestMakesRoom() throws MapException {
        TranslationCache small = TranslationCache.open(TranslationCacheOptions.of("small", 48).withCapacity(4));
        try (Reader own = small.openReader()) {
            for (int page = 0; page < 10; page++) {
                small.insert(page * KIB4, KIB4, page * KIB4, Permission.READ_ONLY);
                assertThat(small.size()).isLessThanOrEqualTo(4);
            }
            try (var _ = own.enter()) {
                assertThat(own.target(5 * KIB4, Access.READ)).isNegative();
                for (int page = 6; page < 10; page++) {
                    assertThat(own.target(page * KIB4, Access.READ)).isEqualTo(page * KIB4);
                }
            }
        }
    }

    /** Against a map of single pages. */
    @Test
    void behavesAsAMapOfPages() throws MapException {
        record Page(long target, Permission permission) {}
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        Map<Long, Page> model = new HashMap<>();
        int hits = 0;
        for (int i = 0; i < 100_000; i++) {
            long page = random.nextLong(600);
            long count = random.nextInt(10) == 0 ? random.nextInt(1, 100) : random.nextInt(1, 4);
            int dice = random.nextInt(20);
            if (dice < 6) {
                // Half of the entries lead where they led before.
                long target = random.nextBoolean() ? page + 1000 : random.nextLong(1 << 20);
                Permission proven = Permission.of(1 + random.nextInt(3));
                cache.insert(page * KIB4, count * KIB4, target * KIB4, proven);
                for (long p = 0; p < count; p++) {
                    Page old = model.get(page + p);
                    Permission sum = old != null && old.target() == target + p
                            ? old.permission().union(proven)
                            : proven;
                    model.put(page + p, new Page(target + p, sum));
                }
            } else if (dice < 8) {
                cache.invalidate(AddressRange.of(page * KIB4, count * KIB4));
                for (long p = 0; p < count; p++) model.remove(page + p);
            } else if (dice == 8 && random.nextInt(50) == 0) {
                cache.invalidateAll();
                model.clear();
            } else {
                Access access = random.nextBoolean() ? Access.READ : Access.WRITE;
                Page expected = model.get(page);
                Outcome outcome = translate(page * KIB4 + 7, 9, access);
                // A cache may contain less than was added, where an entry was dropped for a part of it, but never more.
                if (outcome == Outcome.RESOLVED) {
                    if (expected == null) throw new AssertionError("page " + page + " is not known");
                    assertThat(expected.permission().allows(access)).isTrue();
                    assertThat(runs.target(0)).isEqualTo(expected.target() * KIB4 + 7);
                    hits++;
                }
            }
        }
        assertThat(hits).isGreaterThan(10_000);
    }

    @Test
    void refusesWhatIsNoEntry() throws MapException {
        refused(Refusal.MISALIGNED, 22, () -> cache.insert(1, KIB4, 0, Permission.READ_ONLY));
        refused(Refusal.MISALIGNED, 22, () -> cache.insert(0, KIB4, 1, Permission.READ_ONLY));
        refused(Refusal.MISALIGNED, 22, () -> cache.insert(0, 0, 0, Permission.READ_ONLY));
        refused(Refusal.MISALIGNED, 22, () -> cache.insert(0, -KIB4, 0, Permission.READ_ONLY));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> cache.insert(1L << 48, KIB4, 0, Permission.READ_ONLY));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> cache.insert((1L << 48) - KIB4, 2 * KIB4, 0, Permission.READ_ONLY));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> cache.insert(-KIB4, KIB4, 0, Permission.READ_ONLY));
        refused(Refusal.OUT_OF_APERTURE, 34, () -> cache.insert(0, 2 * KIB4, (1L << 52) - KIB4, Permission.READ_ONLY));
        cache.insert((1L << 48) - KIB4, KIB4, (1L << 52) - KIB4, Permission.READ_ONLY);
        finds((1L << 48) - 1, 1, Access.READ, "[0xfffffffffffff+1]");
        misses((1L << 48) - 1, 2, Access.READ, 1L << 48);
    }

    @Test
    void anInvalidationIsLostByRule() throws MapException {
        cache.inject(new Rule.DropInvalidation("lose", AddressRange.of(0, KIB4), Occurrences.nth(1)));
        cache.insert(0, KIB4, 0, Permission.READ_ONLY);
        assertThat(cache.invalidateAll()).isEqualTo(new Invalidated(0, 0));
        finds(0, 1, Access.READ, "[0x0+1]");
        assertThat(cache.invalidateAll()).isEqualTo(new Invalidated(1, 0));
        misses(0, 1, Access.READ, 0);
        assertThat(cache.withdraw("lose")).isTrue();
        assertThat(cache.withdraw("lose")).isFalse();
        assertThatThrownBy(() -> cache.inject(new Rule.Poison("p", AddressRange.of(0, KIB4))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void noRuleLosesWhatIsForgottenAtAStart() throws MapException {
        cache.inject(new Rule.DropInvalidation("lose", AddressRange.of(0, KIB4), Occurrences.nth(1)));
        cache.insert(0, KIB4, 0, Permission.READ_ONLY);
        assertThat(cache.clear()).isEqualTo(new Invalidated(1, 0));
        misses(0, 1, Access.READ, 0);
        cache.insert(0, KIB4, 0, Permission.READ_ONLY);
        assertThat(cache.invalidateAll()).as("it has not used the rule up").isEqualTo(new Invalidated(0, 0));
    }

    /** Each entry costs a node of 4 KiB, two or three of them: 16,384 would be 64 MiB or more. */
    @ParameterizedTest
    @ValueSource(longs = { MIB2, GIB1, 1L << 39 })
    void entriesFarApartMakeRoomForEachOtherBeforeThereAreTooMany(long stride) throws MapException {
        TranslationCache wide = TranslationCache.open(TranslationCacheOptions.of("iotlb", 57));
        Reader wideReader = wide.openReader();
        int entries = 10_000;
        for (long i = 0; i < entries; i++) wide.insert(i * stride, KIB4, i * KIB4, Permission.READ_ONLY);
        assertThat(wide.size()).isBetween(1360, 4096);
        try (var _ = wideReader.enter()) {
            assertThat(wideReader.translate((entries - 1) * stride, KIB4, Access.READ, runs)).as("the newest")
                    .isEqualTo(Outcome.RESOLVED);
            assertThat(wideReader.translate(0, KIB4, Access.READ, runs)).isEqualTo(Outcome.MISS);
        }
        wide.invalidateAll();
        for (long i = 0; i < entries; i++) wide.insert(i * KIB4, KIB4, i * KIB4, Permission.READ_ONLY);
        assertThat(wide.size()).as("side by side they cost next to nothing").isEqualTo(entries);
    }

    @Test
    void nobodyInvalidatesFromInsideOfASection() {
        try (var _ = reader.enter()) {
            assertThatThrownBy(cache::invalidateAll).isInstanceOf(IllegalStateException.class);
        }
    }
}
