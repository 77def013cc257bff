package sluice.dmacore.buffer;

import java.util.Arrays;
import java.util.function.IntToLongFunction;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.Segments;

/**
 * Where a device finds a buffer: device addresses and lengths, cut as the device wants them. Nothing in it leads to pages, and
 * there is no relation between its entries and those of any other list (rows S11, S36).
 */
public final class SegmentList {
    private static final long PAGE = 4096;

    private final long[] addresses;
    private final long[] lengths;
    private final long bytes;

    private SegmentList(long[] addresses, long[] lengths, long bytes) {
        this.addresses = addresses;
        this.lengths = lengths;
        this.bytes = bytes;
    }

    /** The list of a mapping. */
    static SegmentList of(Segments segments, DeviceDmaParams params) {
        Cutting cutting = new Cutting(params, segments.count());
        for (int i = 0; i < segments.count(); i++) cutting.add(segments.address(i), segments.length(i));
        return cutting.list();
    }

    /**
     * The list as it would be, before anything is mapped: with an IOMMU the addresses count from 0.
     *
     * @param physical tells the address of a run for devices without one
     */
    static SegmentList planned(Runs runs, DeviceDmaParams params, IntToLongFunction physical) {
        Cutting cutting = new Cutting(params, params.translated() ? 1 : runs.count());
        if (params.translated() && runs.areWhole(PAGE)) {
            cutting.add(0, runs.bytes());
            return cutting.list();
        }
        long alignment = Math.max(params.minAlignMask() + 1, params.pageGranule());
        long next = 0;
        long begun = -1;
        for (int run = 0; run < runs.count(); run++) {
            long offset = runs.offset(run);
            long length = runs.length(run);
            if (!params.translated()) {
                cutting.add(physical.applyAsLong(run), length);
                continue;
            }
            // Pages become neighbours; a run that begins or ends inside of a page begins or ends a segment.
            boolean continues = begun >= 0 && (next & (PAGE - 1)) == 0 && (offset & (PAGE - 1)) == 0;
            if (!continues) {
                if (begun >= 0) cutting.add(begun, next - begun);
                next = ((next + alignment - 1) & -alignment) + (offset & (PAGE - 1));
                begun = next;
            }
            next += length;
        }
        if (begun >= 0) cutting.add(begun, next - begun);
        return cutting.list();
    }

    public int count() {
        return addresses.length;
    }

    /** Bytes of all segments. */
    public long bytes() {
        return bytes;
    }

    /** Device address of the segment's first byte. */
    public long address(int segment) {
        return addresses[segment];
    }

    /** Bytes in the segment, at least 1. */
    public long length(int segment) {
        return lengths[segment];
    }

    /** Whether each segment begins where the one before ends. */
    public boolean isContiguous() {
        for (int i = 1; i < addresses.length; i++) {
            if (addresses[i - 1] + lengths[i - 1] != addresses[i]) return false;
        }
        return true;
    }

    @Override
    public String toString() {
        return "%d segments, %d bytes".formatted(count(), bytes);
    }

    /** Cuts stretches of addresses into segments. */
    private static final class Cutting {
        private final long most;
        private final long boundary;
        private long[] addresses;
        private long[] lengths;
        private int count;
        private long bytes;

        Cutting(DeviceDmaParams params, int expected) {
            // A piece is cut at the largest multiple of a page, as the kernel does, unless pages are too large.
            most = params.maxSegmentSize() > PAGE ? params.maxSegmentSize() & -PAGE : params.maxSegmentSize();
            boundary = params.boundaryMask();
            addresses = new long[expected];
            lengths = new long[expected];
        }

        void add(long address, long length) {
            long at = address;
            long left = length;
            while (left > 0) {
                long piece = Math.min(left, most);
                if (boundary != -1) piece = Math.min(piece, boundary - (at & boundary) + 1);
                if (count == addresses.length) {
                    addresses = Arrays.copyOf(addresses, Math.max(4, count * 2));
                    lengths = Arrays.copyOf(lengths, addresses.length);
                }
                addresses[count] = at;
                lengths[count++] = piece;
                at += piece;
                left -= piece;
            }
            bytes += length;
        }

        SegmentList list() {
            return new SegmentList(Arrays.copyOf(addresses, count), Arrays.copyOf(lengths, count), bytes);
        }
    }
}
