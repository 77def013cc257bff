package sluice.guest;

import java.io.IOException;

/**
 * A PCI function on bus 0 as its driver sees it, through the ports 0xCF8 and 0xCFC (PCI Local Bus 3.0, 3.2.2.3.2). BARs
 * get addresses from one window, in the order of the calls.
 */
final class PciDevice {
    private static final int ADDRESS_PORT = 0xCF8;
    private static final int DATA_PORT = 0xCFC;
    private static final int COMMAND = 0x04;
    private static final int MEMORY_AND_MASTER = 0x06;
    private static final int BAR_0 = 0x10;
    private static final int SLOTS = 32;
    /** Below the I/O APIC, above the RAM of all tests: a q35 without firmware routes it to PCI. */
    private static final long WINDOW = 0xE000_0000L;
    private static final long WINDOW_END = 0xFEC0_0000L;

    private final QtestSession qtest;
    private final int slot;
    private final long[] bars = new long[6];
    private long free = WINDOW;

    private PciDevice(QtestSession qtest, int slot) {
        this.qtest = qtest;
        this.slot = slot;
    }

    /**
     * Finds a function 0 on bus 0, and enables memory decoding and bus mastering.
     *
     * @throws IOException there is none with these ids
     */
    static PciDevice find(QtestSession qtest, int vendor, int device) throws IOException {
        for (int slot = 0; slot < SLOTS; slot++) {
            PciDevice candidate = new PciDevice(qtest, slot);
            if (candidate.read32(0) == (device << 16 | vendor)) {
                candidate.write16(COMMAND, candidate.read16(COMMAND) | MEMORY_AND_MASTER);
                return candidate;
            }
        }
        throw new IOException("there is no PCI device %04x:%04x on bus 0".formatted(vendor, device));
    }

    int read8(int offset) throws IOException {
        select(offset);
        return qtest.inb(DATA_PORT + (offset & 3));
    }

    int read16(int offset) throws IOException {
        select(offset);
        return qtest.inw(DATA_PORT + (offset & 2));
    }

    int read32(int offset) throws IOException {
        select(offset);
        return qtest.inl(DATA_PORT);
    }

    void write16(int offset, int value) throws IOException {
        select(offset);
        qtest.outw(DATA_PORT + (offset & 2), value);
    }

    void write32(int offset, int value) throws IOException {
        select(offset);
        qtest.outl(DATA_PORT, value);
    }

    /**
     * The guest physical address of a memory BAR; the first call for a BAR measures it and gives it an address.
     *
     * @param index 0 to 5
     */
    long bar(int index) throws IOException {
        if (bars[index] != 0)
            return bars[index];
        int offset = BAR_0 + 4 * index;
        int kind = read32(offset);
        if ((kind & 1) != 0)
            throw new IOException("BAR " + index + " is an I/O BAR");
        boolean wide = (kind & 6) == 4;
        write32(offset, -1);
        long size = (~(read32(offset) & ~0xFL) + 1) & 0xFFFF_FFFFL;
        if (size == 0)
            throw new IOException("BAR " + index + " is not there, or 4 GiB or larger");
        long address = (free + size - 1) & -size;
        if (address + size > WINDOW_END) {
            throw new IOException("BAR %d of %#x bytes does not fit below %#x".formatted(index, size, WINDOW_END));
        }
        write32(offset, (int) address);
        if (wide)
            write32(offset + 4, 0);
        free = address + size;
        bars[index] = address;
        return address;
    }

    private void select(int offset) throws IOException {
        qtest.outl(ADDRESS_PORT, 0x8000_0000 | slot << 11 | (offset & 0xFC));
    }
}
