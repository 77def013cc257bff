package sluice.dmacore.buffer;

import java.util.Arrays;

/**
 * A scatter list as programmed into a device by its driver, right or wrong. It is not checked before the device uses
 * it. Not thread-safe.
 */
public final class ProgrammedList {
    private long[] addresses = new long[4];
    private long[] lengths = new long[4];
    private int count;

    /** The list that a correct driver programs. */
    public static ProgrammedList of(SegmentList list) {
        ProgrammedList made = new ProgrammedList();
        for (int i = 0; i < list.count(); i++) made.add(list.address(i), list.length(i));
        return made;
    }

    /**
     * Appends an entry.
     *
     * @param address any value, as the device would put it on the bus
     * @param length in bytes, unsigned; an entry of 0 bytes is skipped
     */
    public void add(long address, long length) {
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, count * 2);
            lengths = Arrays.copyOf(lengths, count * 2);
        }
        addresses[count] = address;
        lengths[count++] = length;
    }

    /** Removes all entries. */
    public void clear() {
        count = 0;
    }

    public int count() {
        return count;
    }

    public long address(int entry) {
        return addresses[checked(entry)];
    }

    /** In bytes, unsigned. */
    public long length(int entry) {
        return lengths[checked(entry)];
    }

    private int checked(int entry) {
        if (entry < 0 || entry >= count) throw new IndexOutOfBoundsException("entry " + entry + " of " + count);
        return entry;
    }

    @Override
    public String toString() {
        return "%d entries".formatted(count);
    }
}
