package sluice.dmacore.buffer;

import java.util.Arrays;
import java.util.Comparator;

import sluice.dmacore.space.Segments;

/** The segments of a mapping in the order of their addresses: which of its bytes a device means by an address. */
final class AddressOrder {
    private final long[] addresses;
    private final long[] lengths;
    /** Of each segment's first byte in the buffer. */
    private final long[] positions;
    /** The highest end of this segment and all before it: a page that a buffer has twice has one address without an IOMMU. */
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

    /** The segment that has the byte at an address, by the number that it has here; −1 if none has. */
    int at(long address) {
        int found = Arrays.binarySearch(addresses, address);
        for (int i = found >= 0 ? found : -found - 2; i >= 0 && reach[i] > address; i--) {
            if (address - addresses[i] < lengths[i]) return i;
        }
        return -1;
    }

    /** How many of the bytes from an address on are the mapping's, before the first that is not. */
    long covered(long address, long length) {
        long done = 0;
        while (done < length) {
            int segment = at(address + done);
            if (segment < 0) return done;
            done += Math.min(length - done, left(segment, address + done));
        }
        return done;
    }

    /** Bytes of a segment from an address on. */
    long left(int segment, long address) {
        return addresses[segment] + lengths[segment] - address;
    }

    /** Where in the buffer an address of a segment leads. */
    long position(int segment, long address) {
        return positions[segment] + (address - addresses[segment]);
    }

    /** The same, of an address that is known to be one of the mapping's. */
    long positionOf(long address) {
        return position(at(address), address);
    }

    /** The last end at or below an address; {@link Long#MIN_VALUE} if all of it lies above. */
    long endBelow(long address) {
        long best = Long.MIN_VALUE;
        for (int i = 0; i < addresses.length && addresses[i] <= address; i++) {
            long end = addresses[i] + lengths[i];
            if (end <= address) best = Math.max(best, end);
        }
        return best;
    }
}
