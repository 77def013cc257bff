package sluice.iommu.space;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.SpaceModel.Expected;
import sluice.iommu.space.SpaceModel.Interval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

/** Random operations on a space and on its model; any difference fails. */
final class RandomOperations {
    private static final long PAGE = Targets.PAGE_SIZE;
    private static final Owner OWNER = new Owner(7, "oracle");
    private static final int MOST_MAPPINGS = 60;

    private final Random random;
    private final IoSpace space;
    private final SpaceModel model;
    private final Reader reader;
    /** Where addresses are taken from: around each of them. */
    private final long[] windows;
    private final TargetRuns targets = new TargetRuns();
    private final TargetRuns out = new TargetRuns();
    private String last = "";
    private final Map<FaultReason, Integer> faults = new EnumMap<>(FaultReason.class);
    private int resolved;
    private int splits;

    RandomOperations(IoSpaceOptions options, long seed, long... windows) {
        random = new Random(seed);
        space = IoSpace.open(options);
        model = new SpaceModel(options);
        reader = space.openReader();
        this.windows = windows;
    }

    void run(int operations) throws MapException {
        for (int i = 0; i < operations; i++) {
            try {
                step();
            } catch (AssertionError | RuntimeException error) {
                throw new AssertionError("operation " + i + ", " + last, error);
            }
        }
        System.out.printf("resolved %d, splits %d, faults %s%n", resolved, splits, faults);
        // Unless everything happens often enough the comparison says little.
        assertThat(resolved).isGreaterThan(operations / 50);
        assertThat(splits).isGreaterThan(operations / 1000);
        assertThat(faults.keySet()).contains(FaultReason.NOT_MAPPED, FaultReason.AFTER_UNMAP, FaultReason.PERM_READ,
                FaultReason.PERM_WRITE, FaultReason.REVOKED);
        assertThat(space.statistics().mappedBytes()).isEqualTo(model.bytes());
        assertThat(space.mappings()).hasSize(model.intervals.size());
        assertThat(space.detach().mappings()).hasSize(model.intervals.size());
    }

    private void step() throws MapException {
        int dice = random.nextInt(100);
        if (model.intervals.size() > MOST_MAPPINGS) dice = 30 + random.nextInt(20);
        if (dice < 18) {
            mapFixed();
        } else if (dice < 30) {
            mapAnywhere();
        } else if (dice < 40) {
            unmapMapping();
        } else if (dice < 46) {
            unmapRange(Splitting.REFUSED);
        } else if (dice < 50) {
            unmapRange(Splitting.ALLOWED);
        } else if (dice < 53) {
            revoke();
        } else if (dice < 56) {
            move();
        } else if (dice < 66) {
            lookUp();
        } else {
            translate();
        }
    }

    // ---- choices

    private long address() {
        Interval some = random.nextInt(3) == 0 ? some() : null;
        if (some != null) return some.range.first() + (random.nextLong(-4, 5) & -2) * PAGE;
        return windows[random.nextInt(windows.length)] + random.nextLong(-600, 1200) * PAGE;
    }

    private @Nullable Interval some() {
        if (model.intervals.isEmpty()) return null;
        List<Interval> all = new ArrayList<>(model.intervals.values());
        return all.get(random.nextInt(all.size()));
    }

    private long pages() {
        return switch (random.nextInt(20)) {
            case 0 -> random.nextBoolean() ? 512 : 500 + random.nextInt(800);
            case 1 -> 1 + random.nextInt(200);
            case 2, 3, 4 -> 1 + random.nextInt(64);
            default -> 1 + random.nextInt(8);
        };
    }

    private TargetRuns targets(long pages) {
        targets.clear();
        long left = pages;
        long target = random.nextLong(1L << 39) * PAGE;
        boolean scattered = random.nextInt(3) == 0;
        while (left > 0) {
            long run = scattered ? Math.min(left, 1 + random.nextInt(20)) : left;
            targets.add(target, run * PAGE);
            left -= run;
            target += (run + 1 + random.nextInt(3)) * PAGE;
        }
        return targets;
    }

    private Permission permission() {
        return Permission.of(1 + random.nextInt(3));
    }

    private Access access() {
        return random.nextBoolean() ? Access.READ : Access.WRITE;
    }

    // ---- operations

    private void mapFixed() {
        long iova = address();
        long length = pages() * PAGE;
        Permission permission = permission();
        last = "map 0x%x+0x%x".formatted(iova, length);
        TargetRuns runs = targets(length / PAGE);
        Refusal expected = model.refusal(iova, length);
        try {
            Mapping mapping = space.map(iova, runs, permission, OWNER);
            assertThat(expected).as(last).isNull();
            assertThat(mapping.range()).isEqualTo(AddressRange.of(iova, length));
            model.map(mapping.range(), runs, permission, mapping);
        } catch (MapException refused) {
            assertThat(refused.refusal()).as(last).isEqualTo(expected);
        }
    }

    private void mapAnywhere() {
        long length = pages() * PAGE;
        long alignment = 1L << random.nextInt(8, 23);
        long boundary = random.nextInt(3) == 0 ? Long.highestOneBit(length) << (1 + random.nextInt(3)) : 0;
        last = "map 0x%x bytes, alignment 0x%x, boundary 0x%x".formatted(length, alignment, boundary);
        TargetRuns runs = targets(length / PAGE);
        Permission permission = permission();
        try {
            Mapping mapping = space.map(new Placement(alignment, boundary), runs, permission, OWNER);
            AddressRange range = mapping.range();
            assertThat(range.size()).isEqualTo(length);
            assertThat(model.refusal(range.first(), length)).as("%s gave %s", last, range).isNull();
            assertThat(range.first() & (alignment - 1)).isZero();
            if (boundary != 0) assertThat((range.first() ^ range.last()) & -boundary).isZero();
            model.map(range, runs, permission, mapping);
        } catch (MapException refused) {
            assertThat(refused.refusal()).as(last).isEqualTo(Refusal.NO_ROOM);
        }
    }

    private void unmapMapping() {
        Interval interval = some();
        if (interval == null || interval.mapping == null) return;
        last = "unmap " + interval.range;
        Unmapped removed = space.unmap(interval.mapping);
        assertThat(removed.bytes()).isEqualTo(interval.range.size());
        assertThat(removed.overrun()).isZero();
        model.unmap(interval.range, space);
        assertThat(space.unmap(interval.mapping).bytes()).isZero();
    }

    private void unmapRange(Splitting splitting) {
        AddressRange range;
        try {
            range = AddressRange.of(address(), pages() * PAGE);
        } catch (IllegalArgumentException wraps) {
            return;
        }
        last = "unmap " + range + ", splitting " + splitting;
        boolean splits = model.overlapping(range).stream().anyMatch(interval -> !range.contains(interval.range.first())
                || !range.contains(interval.range.last()));
        try {
            Unmapped removed = space.unmap(range, splitting);
            if (splits) this.splits++;
            assertThat(splits && splitting == Splitting.REFUSED).as(last).isFalse();
            assertThat(removed.bytes()).as(last).isEqualTo(model.unmap(range, space));
        } catch (MapException refused) {
            assertThat(refused.refusal()).as(last).isEqualTo(Refusal.SPLIT);
            assertThat(splits && splitting == Splitting.REFUSED).as(last).isTrue();
        }
    }

    private void revoke() throws MapException {
        Interval interval = some();
        if (interval == null || interval.mapping == null) return;
        last = "revoke " + interval.range;
        Unmapped taken = space.revoke(interval.mapping);
        assertThat(taken.bytes()).as(last).isEqualTo(interval.revoked ? 0 : interval.range.size());
        interval.revoked = true;
    }

    private void move() throws MapException {
        Interval interval = some();
        if (interval == null || interval.mapping == null) return;
        last = "move " + interval.range;
        TargetRuns runs = targets(interval.range.size() / PAGE);
        assertThat(space.move(interval.mapping, runs)).isZero();
        interval.revoked = false;
        interval.targets(runs);
    }

    private void lookUp() {
        long iova = address() + random.nextInt(4096);
        Access access = access();
        last = "look up 0x%x".formatted(iova);
        Expected expected = model.translate(iova, 1, access);
        try (var _ = reader.enter()) {
            assertThat(reader.target(iova, access)).as(last)
                    .isEqualTo(expected.reason() == null ? expected.runs().target(0) : Targets.NONE);
        }
    }

    private void translate() {
        long iova = address() + (random.nextBoolean() ? random.nextInt(4096) : 0);
        long length = Math.max(1, pages() * PAGE - random.nextInt(5000));
        Interval inside = random.nextBoolean() ? some() : null;
        if (inside != null) {
            iova = inside.range.first() + random.nextLong(inside.range.size());
            length = 1 + random.nextLong(inside.range.last() - iova + 1);
        }
        Access access = access();
        last = "%s 0x%x+0x%x".formatted(access, iova, length);
        Expected expected = model.translate(iova, length, access);
        out.clear();
        boolean prefixed = random.nextBoolean();
        if (prefixed) out.add(123 * PAGE, 17);
        try (var _ = reader.enter()) {
            Outcome outcome = reader.translate(iova, length, access, out);
            if (expected.reason() == null) {
                assertThat(outcome).as(last).isEqualTo(Outcome.RESOLVED);
                out.clear();
                assertThat(reader.translate(iova, length, access, out)).isEqualTo(Outcome.RESOLVED);
                assertThat(out.toString()).as(last).isEqualTo(expected.runs().toString());
                assertThat(out.bytes()).isEqualTo(length);
                resolved++;
                return;
            }
            assertThat(outcome).as(last).isEqualTo(Outcome.FAULT);
            assertThat(out.bytes()).as("left as it was").isEqualTo(prefixed ? 17 : 0);
            FaultRecord fault = reader.fault();
            if (fault == null) fail("a fault without a record");
            faults.merge(fault.reason(), 1, Integer::sum);
            assertThat(fault.reason()).as(last).isEqualTo(expected.reason());
            assertThat(fault.iova()).as(last).isEqualTo(expected.failedAddress());
        }
    }
}
