package sluice.vdev.virtiopci;

import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;

/**
 * The PCI configuration access capability (virtio 1.3 §4.1.4.9), for firmware that cannot access BARs: an access to its
 * last four bytes is an access to the BAR, offset and length in its other fields. An invalid combination is ignored.
 */
final class ConfigWindow {
    static final int DATA_BYTES = 4;

    /** Offsets from the beginning of the capability. */
    private static final int BAR = 4;
    private static final int OFFSET = 8;
    private static final int LENGTH = 12;
    private static final int DATA = 16;
    private static final int BYTES = 20;

    /** Accesses to the structures; the offset is a multiple of the size and within them. */
    interface Target {
        long read(long offset, int size);

        void write(long offset, int size, long value);
    }

    private final ConfigSpace config;
    private final int at;
    private final Target target;

    /** @param at offset of the capability in configuration space */
    ConfigWindow(ConfigSpace config, int at, Target target) {
        this.config = config;
        this.at = at;
        this.target = target;
    }

    /** Writable bits after id, link and length: BAR, offset, length and data. */
    static byte[] driverBits() {
        byte[] bits = new byte[BYTES - ConfigLayout.VENDOR_BODY];
        bits[BAR - ConfigLayout.VENDOR_BODY] = -1;
        for (int i = OFFSET; i < BYTES; i++) bits[i - ConfigLayout.VENDOR_BODY] = -1;
        return bits;
    }

    /** The driver is about to read configuration space. */
    void beforeRead(int offset, int length) {
        if (!isData(offset, length) || !isUsable()) return;
        int size = config.u32(at + LENGTH);
        long value = target.read(offset(), size);
        byte[] data = new byte[size];
        for (int i = 0; i < size; i++) data[i] = (byte) (value >>> (Byte.SIZE * i));
        config.set(at + DATA, data);
    }

    /** The driver has written configuration space. */
    void afterWrite(int offset, int length) {
        if (!isData(offset, length) || !isUsable()) return;
        int size = config.u32(at + LENGTH);
        target.write(offset(), size, Integer.toUnsignedLong(config.u32(at + DATA)) & ((1L << (Byte.SIZE * size)) - 1));
    }

    private boolean isData(int offset, int length) {
        return offset < at + BYTES && offset + length > at + DATA;
    }

    private long offset() {
        return Integer.toUnsignedLong(config.u32(at + OFFSET));
    }

    private boolean isUsable() {
        int size = config.u32(at + LENGTH);
        return config.u8(at + BAR) == Structures.BAR && (size == 1 || size == 2 || size == 4)
                && (offset() & (size - 1)) == 0 && offset() <= Structures.BYTES - size;
    }
}
