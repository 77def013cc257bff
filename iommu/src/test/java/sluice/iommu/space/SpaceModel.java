package sluice.iommu.space;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultReason;

/** What an address space should do, as a map of intervals: slow, and with nothing in common with the tables. */
final class SpaceModel {
    private static final int REMEMBERED = 1024;

    /** One mapping: the target of each of its stretches by their offset in it. */
    static final class Interval {
        final AddressRange range;
        final TreeMap<Long, Long> targets = new TreeMap<>();
        final Permission permission;
        boolean revoked;
        final @Nullable Mapping mapping;

        Interval(AddressRange range, Permission permission, @Nullable Mapping mapping) {
            this.range = range;
            this.permission = permission;
            this.mapping = mapping;
        }

        void targets(TargetRuns runs) {
            targets.clear();
            long offset = 0;
            for (int i = 0; i < runs.count(); i++) {
                targets.put(offset, runs.target(i));
                offset += runs.length(i);
            }
        }

        long target(long iova) {
            Map.Entry<Long, Long> stretch = targets.floorEntry(iova - range.first());
            return stretch.getValue() + (iova - range.first() - stretch.getKey());
        }

        long toEndOfStretch(long iova) {
            Long next = targets.higherKey(iova - range.first());
            return (next == null ? range.size() : next) - (iova - range.first());
        }

        Interval part(AddressRange part, @Nullable Mapping partMapping) {
            Interval interval = new Interval(part, permission, partMapping);
            interval.revoked = revoked;
            long begin = part.first() - range.first();
            interval.targets.put(0L, target(part.first()));
            for (Map.Entry<Long, Long> stretch : targets.tailMap(begin, false).entrySet()) {
                if (stretch.getKey() > part.last() - range.first()) break;
                interval.targets.put(stretch.getKey() - begin, stretch.getValue());
            }
            return interval;
        }
    }

    /** A translation: either its runs, or where it failed and why. */
    record Expected(TargetRuns runs, long failedAddress, @Nullable FaultReason reason) {}

    private final IoSpaceOptions options;
    final TreeMap<Long, Interval> intervals = new TreeMap<>(Long::compareUnsigned);
    private final ArrayDeque<AddressRange> removed = new ArrayDeque<>();

    SpaceModel(IoSpaceOptions options) {
        this.options = options;
    }

    long bytes() {
        return intervals.values().stream().mapToLong(interval -> interval.range.size()).sum();
    }

    @Nullable
    Interval at(long iova) {
        Map.Entry<Long, Interval> entry = intervals.floorEntry(iova);
        return entry != null && entry.getValue().range.contains(iova) ? entry.getValue() : null;
    }

    List<Interval> overlapping(AddressRange range) {
        List<Interval> found = new ArrayList<>();
        for (Interval interval : intervals.values()) {
            if (interval.range.overlaps(range)) found.add(interval);
        }
        return found;
    }

    /** Whether a mapping may be at this range, given that its pages are aligned. */
    @Nullable
    Refusal refusal(long iova, long length) {
        long last = iova + length - 1;
        if (Long.compareUnsigned(last, iova) < 0 || !options.aperture().contains(iova)
                || !options.aperture().contains(last)) {
            return Refusal.OUT_OF_APERTURE;
        }
        AddressRange range = new AddressRange(iova, last);
        if (Long.compareUnsigned(last, options.addressMask()) > 0) return Refusal.OVER_MASK;
        if (options.reserved().stream().anyMatch(range::overlaps)) return Refusal.RESERVED;
        return overlapping(range).isEmpty() ? null : Refusal.OVERLAP;
    }

    void map(AddressRange range, TargetRuns runs, Permission permission, Mapping mapping) {
        Interval interval = new Interval(range, permission, mapping);
        interval.targets(runs);
        intervals.put(range.first(), interval);
    }

    /** Removes what lies in a range. Returns the bytes; {@code rests} looks up the mappings of what remains. */
    long unmap(AddressRange range, IoSpace rests) {
        long bytes = 0;
        for (Interval interval : overlapping(range)) {
            intervals.remove(interval.range.first());
            AddressRange cut = interval.range.intersection(range);
            bytes += cut.size();
            // What is remembered is the mapping as it was, with all of its range.
            removed.addFirst(interval.range);
            if (removed.size() > REMEMBERED) removed.removeLast();
            if (interval.range.first() != cut.first()) {
                keep(interval, new AddressRange(interval.range.first(), cut.first() - 1), rests);
            }
            if (interval.range.last() != cut.last()) {
                keep(interval, new AddressRange(cut.last() + 1, interval.range.last()), rests);
            }
        }
        return bytes;
    }

    private void keep(Interval interval, AddressRange part, IoSpace rests) {
        intervals.put(part.first(), interval.part(part, rests.mappingAt(part.first())));
    }

    Expected translate(long iova, long length, Access access) {
        TargetRuns runs = new TargetRuns();
        long done = 0;
        while (done != length) {
            long at = iova + done;
            FaultReason reason = reason(at, access);
            if (reason != null) return new Expected(new TargetRuns(), at, reason);
            Interval interval = at(at);
            if (interval == null) throw new AssertionError("no reason, and no interval");
            long step = Math.min(length - done, interval.toEndOfStretch(at));
            runs.add(interval.target(at), step);
            done += step;
        }
        return new Expected(runs, 0, null);
    }

    private @Nullable FaultReason reason(long iova, Access access) {
        Interval interval = at(iova);
        if (interval != null) {
            if (interval.revoked) return FaultReason.REVOKED;
            if (interval.permission.allows(access)) return null;
            return access == Access.READ ? FaultReason.PERM_READ : FaultReason.PERM_WRITE;
        }
        if (Long.compareUnsigned(iova, options.addressMask()) > 0) return FaultReason.OVER_MASK;
        if (!options.aperture().contains(iova)) return FaultReason.OUT_OF_APERTURE;
        if (options.reserved().stream().anyMatch(range -> range.contains(iova))) return FaultReason.RESERVED;
        return removed.stream().anyMatch(range -> range.contains(iova))
                ? FaultReason.AFTER_UNMAP
                : FaultReason.NOT_MAPPED;
    }
}
