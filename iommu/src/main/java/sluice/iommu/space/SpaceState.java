package sluice.iommu.space;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.allocation.AddressAllocator;
import sluice.iommu.epoch.Readers;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.fault.Neighbour;
import sluice.iommu.injection.Rules;
import sluice.iommu.table.FlatTable;
import sluice.iommu.table.RadixTable;
import sluice.iommu.table.Table;

/** The shared state of a space. Index, allocator and writes to the table are guarded by the lock. */
final class SpaceState {
    private static final int REMEMBERED = 1024;

    final IoSpaceOptions options;
    final ReentrantLock lock = new ReentrantLock();
    final Table table;
    final MappingIndex index = new MappingIndex();
    final AddressAllocator allocator;
    final Rules rules = new Rules();
    final FaultLog faults;
    final Readers readers;
    /** Number of changes with cleared entries that may still be in use. */
    final AtomicInteger waiting = new AtomicInteger();

    SpaceState(IoSpaceOptions options) {
        this.options = options;
        table = table(options);
        AddressRange aperture = options.aperture();
        long last = Long.compareUnsigned(aperture.last(), options.addressMask()) < 0
                ? aperture.last()
                : options.addressMask();
        allocator = new AddressAllocator(new AddressRange(aperture.first(), last), options.reserved(),
                options.quarantineBytes(), REMEMBERED);
        faults = new FaultLog(options.faultCapacity(), options.faultListener());
        readers = new Readers(options.barrier());
    }

    private static Table table(IoSpaceOptions options) {
        AddressRange aperture = options.aperture();
        // In bypass the table stays empty: every access takes the slow path.
        if (options.bypass()) return new FlatTable(AddressRange.of(aperture.first(), options.pageSizes().smallest()));
        if (options.table() == IoSpaceOptions.TableKind.FLAT) return new FlatTable(aperture);
        if (aperture.last() >>> RadixTable.MAX_BITS != 0) {
            throw new IllegalArgumentException("%s: aperture %s reaches beyond the %d bits of a radix table"
                    .formatted(options.name(), aperture, RadixTable.MAX_BITS));
        }
        int bits = Long.SIZE - Long.numberOfLeadingZeros(aperture.last());
        return new RadixTable(bits, options.pageSizes());
    }

    /** Records a fault, with neighbouring and former mappings. Must not be called with the lock held. */
    FaultRecord fault(FaultContext context, long iova, @Nullable Access access, long length, FaultReason reason,
            @Nullable String rule) {
        Neighbour below;
        Neighbour above;
        Neighbour last;
        lock.lock();
        try {
            below = neighbour(index.below(iova));
            above = neighbour(index.above(iova));
            last = below != null && below.range().contains(iova) ? null : allocator.formerly(iova);
        } finally {
            lock.unlock();
        }
        return faults.add(options.name(), context, iova, access, length, reason, below, above, last, rule);
    }

    private static @Nullable Neighbour neighbour(@Nullable Mapping mapping) {
        return mapping == null ? null : mapping.asNeighbour();
    }
}
