package sluice.vdev.vfg7350;

/**
 * The card's I²C master, and the encoder behind it, which acknowledges its address and all writes; reads return 0.
 * Other addresses do not answer: no EEPROM, no tuner. Each transfer completes immediately.
 */
final class I2cMaster {
    /** Seven bits. */
    private static final int ENCODER = 0x21;

    /** Of the command's attribute, bits 7 and 6. */
    private static final int STOP = 1;
    private static final int CONTINUE = 2;
    private static final int START = 3;

    private static final int STATUS_IDLE = 0;
    private static final int STATUS_DONE_STOP = 1;
    private static final int STATUS_ACKNOWLEDGED_WRITE = 5;
    private static final int STATUS_ACKNOWLEDGED_READ = 6;
    private static final int STATUS_NO_DEVICE = 9;
    private static final int STATUS_NO_ACKNOWLEDGE = 10;

    private int status = STATUS_IDLE;
    private int address;

    /** The register's low byte. */
    int status() {
        return status;
    }

    /**
     * The driver writes a command.
     *
     * @param value of the register: attribute in bits 7 and 6, data in bits 15 to 8
     * @param withData true to send the written data, false to read a byte
     */
    void command(int value, boolean withData) {
        int data = value >>> 8 & 0xff;
        status = switch (value >>> 6 & 3) {
            case START -> {
                address = data;
                if (!isEncoder()) yield STATUS_NO_DEVICE;
                yield (data & 1) == 0 ? STATUS_ACKNOWLEDGED_WRITE : STATUS_ACKNOWLEDGED_READ;
            }
            case CONTINUE -> {
                if (withData) yield isEncoder() ? STATUS_ACKNOWLEDGED_WRITE : STATUS_NO_ACKNOWLEDGE;
                yield isEncoder() ? STATUS_ACKNOWLEDGED_READ : STATUS_NO_DEVICE;
            }
            case STOP -> STATUS_DONE_STOP;
            default -> STATUS_IDLE;
        };
    }

    private boolean isEncoder() {
        return address >>> 1 == ENCODER;
    }

    void reset() {
        status = STATUS_IDLE;
        address = 0;
    }
}
