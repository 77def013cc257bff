package sluice.dmacore.memory;

import java.util.Arrays;

import sluice.iommu.AddressRange;

/**
 * Ranges of bus addresses, as a guest lists them for a buffer, without empty ones and with neighbours merged. Immutable.
 *
 * <p>Most lists are of single pages, up to thousands of them: without lengths of their own they take half the memory, and
 * are translated without a look at each length.
 */
public final class BusList {
    /** Bytes of an entry as a guest sends it: an address, a length of 32 bits, and padding. */
    public static final int ENTRY_BYTES = 16;
    public static final BusList NONE = of();

    private static final int LENGTH_OFFSET = 8;
    /** Of merged ranges, in whole pages. */
    private static final long MAX_LENGTH = 0xffff_f000L;
    private static final int[] EVEN = {};

    private final long[] addresses;
    /** The length of all, or 0 if they have several. */
    private final long each;
    /** Those, unsigned. */
    private final int[] lengths;
    private final long bytes;
    /** OR of all addresses and lengths. */
    private final long bits;

    private BusList(long[] addresses, long each, int[] lengths, long bytes, long bits) {
        this.addresses = addresses;
        this.each = each;
        this.lengths = lengths;
        this.bytes = bytes;
        this.bits = bits;
    }

    /**
     * Reads a list that is part of a command.
     *
     * @param at offset of its first entry
     * @throws IndexOutOfBoundsException if the command is shorter
     */
    public static BusList read(Snapshot command, int at, int count) {
        if (count == 0) return NONE;
        byte[] sent = command.bytes(at, Math.multiplyExact(count, ENTRY_BYTES));
        long[] addresses = new long[count];
        int each = (int) Snapshot.U32.get(sent, at + LENGTH_OFFSET);
        long length = Integer.toUnsignedLong(each);
        long bits = length;
        long end = 0;
        int i = 0;
        for (; i < count; i++) {
            int entry = at + i * ENTRY_BYTES;
            long address = (long) Snapshot.U64.get(sent, entry);
            if ((int) Snapshot.U32.get(sent, entry + LENGTH_OFFSET) != each || continues(address, end)) break;
            addresses[i] = address;
            bits |= address;
            end = address + length;
        }
        if (i == count && each != 0) return new BusList(addresses, length, EVEN, count * length, bits);
        Merging rest = new Merging(addresses, each == 0 ? 0 : i, length, bits);
        for (; i < count; i++) {
            int entry = at + i * ENTRY_BYTES;
            rest.add(command.u64(entry), command.u32AsLong(entry + LENGTH_OFFSET));
        }
        return rest.list();
    }

    /** @param ranges pairs of an address and a length, of which the lower 32 bits count */
    public static BusList of(long... ranges) {
        Merging all = new Merging(new long[ranges.length / 2], 0, 0, 0);
        for (int i = 0; i + 1 < ranges.length; i += 2)
            all.add(ranges[i], Integer.toUnsignedLong((int) ranges[i + 1]));
        return all.list();
    }

    /** Whether an address is the end of the range before it; 0 before the first, and at the end of all addresses. */
    private static boolean continues(long address, long end) {
        return address == end && address != 0;
    }

    /** A list whose ranges have several lengths, or become fewer. */
    private static final class Merging {
        private final long[] addresses;
        private final int[] lengths;
        private int count;
        private long bytes;
        private long bits;
        private long end;
        /** Whether neighbours were left apart, because they are too long together. */
        private boolean parted;

        Merging(long[] addresses, int count, long each, long bits) {
            this.addresses = addresses;
            this.count = count;
            this.bits = bits;
            lengths = new int[addresses.length];
            Arrays.fill(lengths, 0, count, (int) each);
            bytes = count * each;
            end = count == 0 ? 0 : addresses[count - 1] + each;
        }

        void add(long address, long length) {
            if (length == 0) return;
            boolean continues = continues(address, end);
            if (continues && last() + length <= MAX_LENGTH) {
                lengths[count - 1] += (int) length;
            } else {
                parted |= continues;
                addresses[count] = address;
                lengths[count++] = (int) length;
            }
            bytes += length;
            bits |= address | length;
            end = address + length;
        }

        private long last() {
            return Integer.toUnsignedLong(lengths[count - 1]);
        }

        BusList list() {
            long each = count == 0 || parted ? 0 : last();
            for (int i = 0; i < count; i++) if (lengths[i] != (int) each) each = 0;
            return new BusList(Arrays.copyOf(addresses, count), each, each == 0 ? Arrays.copyOf(lengths, count) : EVEN,
                    bytes, bits);
        }
    }

    /** Number of ranges. */
    public int count() {
        return addresses.length;
    }

    /** Bytes in all ranges. */
    public long bytes() {
        return bytes;
    }

    public long address(int range) {
        return addresses[range];
    }

    /** In bytes, 1 to 2^32 − 1. */
    public long length(int range) {
        return each != 0 ? each : Integer.toUnsignedLong(lengths[range]);
    }

    /** The length of all ranges, which do not continue each other then; 0 if they have several. */
    long each() {
        return each;
    }

    /** Number of ranges, from {@code first} on, in a row that lie inside a stretch of addresses, of a list of one length. */
    int countInside(int first, long begin, long size) {
        if (each > size) return 0;
        long most = size - each;
        int range = first;
        while (range < addresses.length && Long.compareUnsigned(addresses[range] - begin, most) <= 0)
            range++;
        return range - first;
    }

    /** Copies the addresses of {@code number} ranges, from {@code first} on, each increased by {@code more}. */
    void copyTo(int first, int number, long more, long[] to, int at) {
        long[] from = addresses;
        for (int i = 0; i < number; i++) to[at + i] = from[first + i] + more;
    }

    /**
     * Number of ranges that do not begin and end at multiples of a unit.
     *
     * @param unit a power of two
     */
    public int countLoose(long unit) {
        long mask = unit - 1;
        if ((bits & mask) == 0) return 0;
        int loose = 0;
        for (int i = 0; i < addresses.length; i++) if (((addresses[i] | length(i)) & mask) != 0) loose++;
        return loose;
    }

    /** Whether any byte of it is in a range of addresses. */
    public boolean overlaps(AddressRange range) {
        for (int i = 0; i < addresses.length; i++) {
            // Unsigned distances between the beginnings, so that no sum can overflow.
            if (range.contains(addresses[i])
                    || Long.compareUnsigned(range.first() - addresses[i], length(i)) < 0)
                return true;
        }
        return false;
    }
}
