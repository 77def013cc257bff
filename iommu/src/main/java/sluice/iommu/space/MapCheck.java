package sluice.iommu.space;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.TargetRuns;
import sluice.iommu.injection.Rule;

/** The rules for new mappings. */
final class MapCheck {
    private final IoSpaceOptions options;

    MapCheck(IoSpaceOptions options) {
        this.options = options;
    }

    private MapException refuse(Refusal refusal, String sentence) {
        return new MapException(refusal, options.name() + ": " + sentence);
    }

    /** Refuses targets that are not whole pages. */
    void targets(TargetRuns targets) throws MapException {
        PageSizes sizes = options.pageSizes();
        if (options.bypass())
            throw refuse(Refusal.UNSUITABLE, "the space is in bypass, nothing can be mapped in it");
        if (targets.count() == 0)
            throw refuse(Refusal.MISALIGNED, "an empty mapping was asked for");
        if (sizes.aligned(targets.orOfAll())) return;
        for (int i = 0; i < targets.count(); i++) {
            if (!sizes.aligned(targets.target(i) | targets.length(i))) {
                throw refuse(Refusal.MISALIGNED,
                        "run %d, 0x%x bytes at target 0x%x, does not begin and end at a page of 0x%x bytes".formatted(i,
                                targets.length(i), targets.target(i), sizes.smallest()));
            }
        }
    }

    /** The range of a mapping at a given address, checked against the space's limits. */
    AddressRange range(long iova, long length) throws MapException {
        if (!options.pageSizes().aligned(iova)) {
            throw refuse(Refusal.MISALIGNED,
                    "address 0x%x is not a multiple of the smallest page, 0x%x bytes".formatted(iova,
                            options.pageSizes().smallest()));
        }
        long last = iova + length - 1;
        AddressRange aperture = options.aperture();
        if (Long.compareUnsigned(last, iova) < 0 || !aperture.contains(iova) || !aperture.contains(last)) {
            throw refuse(Refusal.OUT_OF_APERTURE,
                    "0x%x bytes at 0x%x are not inside of the aperture %s".formatted(length, iova,
                            aperture));
        }
        AddressRange range = new AddressRange(iova, last);
        if (Long.compareUnsigned(last, options.addressMask()) > 0) {
            throw refuse(Refusal.OVER_MASK, "%s reaches above the device's address mask 0x%x".formatted(range,
                    options.addressMask()));
        }
        for (AddressRange reserved : options.reserved()) {
            if (reserved.overlaps(range))
                throw refuse(Refusal.RESERVED, "%s overlaps the reserved range %s".formatted(range, reserved));
        }
        return range;
    }

    void overlap(AddressRange range, @Nullable Mapping other) throws MapException {
        if (other != null)
            throw refuse(Refusal.OVERLAP, "%s overlaps %s; unmap that first".formatted(range, other));
    }

    void placement(Placement placement, long length) throws MapException {
        if (placement.boundary() != 0 && Long.compareUnsigned(placement.boundary(), length) < 0) {
            throw refuse(Refusal.UNSUITABLE, "0x%x bytes cannot but cross a boundary of 0x%x bytes".formatted(length,
                    placement.boundary()));
        }
    }

    MapException noRoom(long length, Placement placement, long mapped) {
        return refuse(Refusal.NO_ROOM,
                "no free range of 0x%x bytes with alignment 0x%x and boundary 0x%x; 0x%x bytes of %s are mapped"
                        .formatted(length, placement.alignment(), placement.boundary(), mapped, options.aperture()));
    }

    void count(int mappings) throws MapException {
        if (mappings >= options.maxMappings())
            throw refuse(Refusal.TOO_MANY, "there are %d mappings already, the limit is %d".formatted(mappings,
                    options.maxMappings()));
    }

    MapException tableFull(AddressRange range, long mostBytes) {
        return refuse(Refusal.TABLE_FULL,
                "mapping %s would make the table larger than %d MiB, which is the limit: addresses that lie closer together cost less"
                        .formatted(range, mostBytes >>> 20));
    }

    void splitting(AddressRange range, Mapping mapping) throws MapException {
        AddressRange other = mapping.range();
        if (!range.contains(other.first()) || !range.contains(other.last())) {
            throw refuse(Refusal.SPLIT,
                    "%s covers only a part of %s; splitting was not asked for".formatted(range, mapping));
        }
    }

    void unmapAligned(AddressRange range) throws MapException {
        if (!options.pageSizes().aligned(range.first()) || !options.pageSizes().aligned(range.last() + 1)) {
            throw refuse(Refusal.MISALIGNED, "%s does not begin and end at a page of 0x%x bytes".formatted(range,
                    options.pageSizes().smallest()));
        }
    }

    MapException gone(Mapping mapping) {
        return refuse(Refusal.GONE, "%s is not mapped in this space any more".formatted(mapping));
    }

    MapException pinned(Mapping mapping) {
        return refuse(Refusal.PINNED, "%s is pinned %d times and cannot be moved".formatted(mapping, mapping.pins()));
    }

    void sameLength(Mapping mapping, TargetRuns targets) throws MapException {
        if (targets.bytes() != mapping.length()) {
            throw refuse(Refusal.UNSUITABLE, "0x%x bytes cannot take the place of the 0x%x bytes of %s"
                    .formatted(targets.bytes(), mapping.length(), mapping));
        }
    }

    MapException injected(AddressRange range, Rule.FailMap rule) {
        return new MapException(Refusal.INJECTED,
                "%s: mapping %s failed by rule %s".formatted(options.name(), range, rule.name()), rule.errno());
    }
}
