package sluice.dmacore.buffer;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntToLongFunction;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.Segments;
import sluice.iommu.space.Placement;

/**
 * The segments of a buffer for one device: device addresses and lengths, split to the device's limits. Entries neither
 * lead to pages nor correspond to entries of other lists (rows S11, S36).
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
        return of(segments, params, null);
    }

    /** The same, also cut at random places, within the device's limit of segments. */
    static SegmentList of(Segments segments, DeviceDmaParams params, @Nullable Random cuts) {
        Cutting cutting = new Cutting(params, segments.count(), cuts);
        for (int i = 0; i < segments.count(); i++) cutting.add(segments.address(i), segments.length(i));
        return cuts != null && cutting.count > params.maxSegmentCount() ? of(segments, params, null) : cutting.list();
    }

    /**
     * The list before the mapping exists: behind an IOMMU the addresses count from 0.
     *
     * @param physical returns the address of a run, for devices without an IOMMU
     */
    static SegmentList planned(Runs runs, DeviceDmaParams params, IntToLongFunction physical) {
        Cutting cutting = new Cutting(params, params.translated() ? 1 : runs.count(), null);
        if (params.translated() && runs.areWhole(PAGE)) {
            cutting.add(0, runs.bytes());
            return cutting.list();
        }
        Placement placement = placement(params, runs.bytes());
        long next = 0;
        long begun = -1;
        for (int run = 0; run < runs.count(); run++) {
            long offset = runs.offset(run);
            long length = runs.length(run);
            if (!params.translated()) {
                cutting.add(physical.applyAsLong(run), length);
                continue;
            }
            // Whole pages become contiguous; a run that begins or ends inside a page begins or ends a segment.
            boolean continues = begun >= 0 && (next & (PAGE - 1)) == 0 && (offset & (PAGE - 1)) == 0;
            if (!continues) {
                if (begun >= 0) next = cutting.place(begun, next - begun, placement);
                next = ((next + placement.alignment() - 1) & -placement.alignment()) + (offset & (PAGE - 1));
                begun = next;
            }
            next += length;
        }
        if (begun >= 0) cutting.place(begun, next - begun, placement);
        return cutting.list();
    }

    /**
     * Where an IOMMU places each segment: not across a boundary, or at a boundary if it is longer than the distance of
     * two, so that it is split as rarely as possible.
     */
    static Placement placement(DeviceDmaParams params, long bytes) {
        long boundary = params.boundary();
        // Partial pages at either end are placed with it.
        return boundary == 0 || boundary >= bytes + 2 * PAGE
                ? new Placement(params.placedAlignment(), boundary)
                : new Placement(Math.max(params.placedAlignment(), boundary), 0);
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

    /** Splits address ranges into segments. */
    private static final class Cutting {
        /** Largest piece of a random cut, in pages. */
        private static final int MOST_PAGES = 4;

        private final DeviceDmaParams params;
        private final @Nullable Random cuts;
        private long[] addresses;
        private long[] lengths;
        private int count;
        private long bytes;

        Cutting(DeviceDmaParams params, int expected, @Nullable Random cuts) {
            this.params = params;
            this.cuts = cuts;
            addresses = new long[expected];
            lengths = new long[expected];
        }

        /**
         * Adds a segment at the first place at or after {@code address} that does not cross a boundary; returns its
         * end.
         */
        long place(long address, long length, Placement placement) {
            long begin = address;
            long boundary = placement.boundary();
            long page = address & -PAGE;
            if (boundary != 0 && (page & -boundary) != ((address + length - 1) & -boundary))
                begin = ((page + boundary) & -boundary) + (address - page);
            add(begin, length);
            return begin + length;
        }

        void add(long address, long length) {
            long at = address;
            long left = length;
            while (left > 0) {
                long piece = params.pieceAt(at, left);
                if (cuts != null) piece = Math.min(piece, (1 + cuts.nextInt(MOST_PAGES)) * PAGE - (at & (PAGE - 1)));
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
