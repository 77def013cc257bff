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
        return of(segments, params, null);
    }

    /** The same, also cut where chance has it, if the device takes as many pieces. */
    static SegmentList of(Segments segments, DeviceDmaParams params, @Nullable Random cuts) {
        Cutting cutting = new Cutting(params, segments.count(), cuts);
        for (int i = 0; i < segments.count(); i++) cutting.add(segments.address(i), segments.length(i));
        return cuts != null && cutting.count > params.maxSegmentCount() ? of(segments, params, null) : cutting.list();
    }

    /**
     * The list as it would be, before anything is mapped: with an IOMMU the addresses count from 0.
     *
     * @param physical tells the address of a run for devices without one
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
            // Pages become neighbours; a run that begins or ends inside of a page begins or ends a segment.
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
     * Where an IOMMU places each segment of a buffer: not across a boundary, and from a boundary on if it is longer than there is
     * between two, so that it is cut as seldom as can be.
     */
    static Placement placement(DeviceDmaParams params, long bytes) {
        long boundary = params.boundary();
        // Pages that it has only a part of are placed with it, at either end.
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

    /** Cuts stretches of addresses into segments. */
    private static final class Cutting {
        /** A piece that is cut by chance has up to so many pages. */
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

        /** Adds a segment at the first place from {@code address} on that does not cross a boundary; returns its end. */
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
