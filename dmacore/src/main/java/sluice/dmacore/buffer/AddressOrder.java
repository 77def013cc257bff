package sluice.dmacore.buffer;

import java.util.Arrays;
import java.util.Comparator;

import sluice.dmacore.space.Segments;

/** The segments of a mapping in address order: converts a device address to an offset in the buffer. */
final class AddressOrder {
    private final long[] addresses;
    private final long[] lengths;
    /** Offset of each segment's first byte in the buffer. */
    private final long[] positions;
    /**
     * The highest end of this segment and all before it. Without an IOMMU segments may overlap: a page that occurs
     * twice in a buffer has one address.
     */
    private final long[] reach;

    private AddressOrder(int count) {
        addresses = new long[count];
        lengths = new long[count];
        positions = new long[count];
        reach = new long[count];
    }

    static AddressOrder of(Segments segments) {
        int count = segments.count();
        Integer[] order = new Integer[count];
        Arrays.setAll(order, i -> i);
        if (count > 1) Arrays.sort(order, Comparator.comparingLong(segments::address));
        AddressOrder made = new AddressOrder(count);
        for (int i = 0; i < count; i++) {
            int segment = order[i];
            made.addresses[i] = segments.address(segment);
            made.lengths[i] = segments.length(segment);
            made.positions[i] = segments.start(segment);
            long end = made.addresses[i] + made.lengths[i];
            made.reach[i] = i == 0 ? end : Math.max(end, made.reach[i - 1]);
        }
        return made;
    }

    int count() {
        return addresses.length;
    }

    /** The index, in address order, of the segment that contains an address; −1 if there is none. */
    int at(long address) {
        int found = Arrays.binarySearch(addresses, address);
        for (int i = found >= 0 ? found : -found - 2; i >= 0 && reach[i] > address; i--) {
            if (address - addresses[i] < lengths[i]) return i;
        }
        return -1;
    }

    /** The number of consecutive bytes at an address that belong to the mapping. */
    long covered(long address, long length) {
        long done = 0;
        while (done < length) {
            int segment = at(address + done);
            if (segment < 0) return done;
            done += Math.min(length - done, left(segment, address + done));
        }
        return done;
    }

    /** Bytes from an address to the end of its segment. */
    long left(int segment, long address) {
        return addresses[segment] + lengths[segment] - address;
    }

    /** Offset in the buffer of an address of a segment. */
    long position(int segment, long address) {
        return positions[segment] + (address - addresses[segment]);
    }

    /** The same, for an address that belongs to the mapping. */
    long positionOf(long address) {
        return position(at(address), address);
    }

    /** The last end of a segment at or below an address; {@link Long#MIN_VALUE} if all segments are above it. */
    long endBelow(long address) {
        long best = Long.MIN_VALUE;
        for (int i = 0; i < addresses.length && addresses[i] <= address; i++) {
            long end = addresses[i] + lengths[i];
            if (end <= address) best = Math.max(best, end);
        }
        return best;
    }
}
