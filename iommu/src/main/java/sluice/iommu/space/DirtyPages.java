package sluice.iommu.space;

import java.util.ArrayList;
import java.util.List;

import sluice.iommu.AddressRange;

/**
 * Pages written by a device.
 *
 * @param ranges in address order, adjacent ranges merged
 */
public record DirtyPages(List<AddressRange> ranges) {
    public DirtyPages {
        ranges = List.copyOf(ranges);
    }

    /** Bytes in all ranges. */
    public long bytes() {
        long bytes = 0;
        for (AddressRange range : ranges) bytes += range.size();
        return bytes;
    }

    /** Collects pages in address order. A large page may be added several times. */
    static final class Collector {
        private final List<AddressRange> ranges = new ArrayList<>();
        private long first;
        private long last;
        private boolean any;

        void add(long iova, long length) {
            long end = iova + length - 1;
            if (any && (last + 1 == iova || last == end)) {
                last = end;
                return;
            }
            tell();
            any = true;
            first = iova;
            last = end;
        }

        private void tell() {
            if (any) ranges.add(new AddressRange(first, last));
        }

        DirtyPages end() {
            tell();
            any = false;
            return new DirtyPages(ranges);
        }
    }
}
