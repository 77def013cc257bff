package sluice.dmacore.space;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

import sluice.iommu.space.Mapping;

/**
 * The device addresses of a piece of memory: a list of (device address, length), accessed as one sequence of bytes. It
 * does not reveal where the memory is. Whole pages form one segment, however scattered; a piece that begins or ends
 * inside a page is a segment of its own. Immutable.
 */
public final class Segments {
    private final long[] addresses;
    /** Position of each segment's first byte in the sequence; one more entry holds the end. */
    private final long[] starts;
    private final List<Mapping> mappings;
    private final int[] slots;
    private final AtomicBoolean holdsSlots = new AtomicBoolean(true);

    /** @param slots used by the mappings, each of which holds one reference */
    Segments(long[] addresses, long[] starts, List<Mapping> mappings, int[] slots) {
        this.addresses = addresses;
        this.starts = starts;
        this.mappings = List.copyOf(mappings);
        this.slots = slots;
    }

    public int count() {
        return addresses.length;
    }

    /** Bytes in all segments. */
    public long bytes() {
        return starts[addresses.length];
    }

    /** Device address of the segment's first byte. */
    public long address(int segment) {
        return addresses[segment];
    }

    /** Bytes in the segment, at least 1. */
    public long length(int segment) {
        return starts[segment + 1] - starts[segment];
    }

    /** Position of the segment's first byte in the sequence. */
    public long start(int segment) {
        return starts[segment];
    }

    /** The segment that holds the byte at {@code position}. */
    public int at(long position) {
        if (position < 0 || position >= bytes())
            throw new IndexOutOfBoundsException("position " + position + " of " + bytes() + " bytes");
        if (addresses.length == 1) return 0;
        int found = Arrays.binarySearch(starts, 0, addresses.length, position);
        return found >= 0 ? found : -found - 2;
    }

    List<Mapping> mappings() {
        return mappings;
    }

    int[] slots() {
        return slots;
    }

    /** Takes the slot references, once; the caller releases them if this returns true. */
    boolean giveUpSlots() {
        return holdsSlots.getAndSet(false);
    }
}
