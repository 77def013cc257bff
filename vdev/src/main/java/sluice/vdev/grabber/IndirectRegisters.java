package sluice.vdev.grabber;

import java.util.Arrays;

/**
 * The board's registers behind the PCI interface, accessed bytewise over a serial bus. A cycle to a missing register
 * ends with an abort.
 */
final class IndirectRegisters {
    static final int CSR2 = 0x10;
    static final int BOARD_ID = 0x1f;
    /** The board's identification. */
    static final int DT3155 = 0x20;

    /** Of {@link #CSR2}. */
    static final int BUSY_ODD = 0x20;
    static final int BUSY_EVEN = 0x10;
    static final int SYNC_PRESENT = 0x08;
    static final int VIDEO_50_HZ = 0x04;

    private static final int EVEN_CSR = 0x11;
    private static final int ODD_CSR = 0x12;
    private static final int CONFIG = 0x13;
    private static final int CLIP_FIRST = 0x20;
    private static final int CLIP_LAST = 0x27;
    private static final int CONVERTER_ADDRESS = 0x30;
    private static final int CONVERTER_TABLE = 0x31;
    private static final int CONVERTER_COMMAND = 0x32;
    private static final int DIGITAL_OUTPUT = 0x40;
    private static final int MAP_ADDRESS = 0x50;
    private static final int MAP_DATA = 0x51;
    private static final int COUNT = 0x80;
    static final int ABORT = -1;

    private final byte[] values = new byte[COUNT];

    private static boolean exists(int index) {
        return switch (index) {
            case CSR2, EVEN_CSR, ODD_CSR, CONFIG, BOARD_ID, CONVERTER_ADDRESS, CONVERTER_TABLE, CONVERTER_COMMAND,
                    DIGITAL_OUTPUT, MAP_ADDRESS, MAP_DATA ->
                true;
            default -> index >= CLIP_FIRST && index <= CLIP_LAST;
        };
    }

    /** The register, 0 to 255, or {@link #ABORT}. */
    int read(int index) {
        if (!exists(index)) return ABORT;
        int value = values[index] & 0xff;
        return switch (index) {
            case BOARD_ID -> DT3155;
            case CSR2 -> value | SYNC_PRESENT; // the source always delivers
            default -> value;
        };
    }

    /** Returns whether the register exists; writes to read-only registers are ignored. */
    boolean write(int index, int value) {
        if (!exists(index)) return false;
        // Error and done flags of the fields are write-1-to-clear, and never set here.
        boolean flags = index == EVEN_CSR || index == ODD_CSR;
        if (index != BOARD_ID && !flags) values[index] = (byte) value;
        return true;
    }

    /** Whether the driver has armed both fields. */
    boolean isArmed() {
        return (values[CSR2] & BUSY_EVEN) != 0 && (values[CSR2] & BUSY_ODD) != 0;
    }

    boolean is50Hz() {
        return (values[CSR2] & VIDEO_50_HZ) != 0;
    }

    void reset() {
        Arrays.fill(values, (byte) 0);
    }
}
