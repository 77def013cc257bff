package sluice.vdev.vfg7350;

/**
 * The card's I²C master, and the encoder behind it, which acknowledges its address and all writes. Other addresses do
 * not answer: no EEPROM, no tuner. Each transfer completes immediately; a message reaches the encoder when the next
 * transfer starts or the bus is stopped.
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

    private final EncoderChip encoder;
    private final byte[] message = new byte[EncoderChip.LONGEST_MESSAGE];
    /** Bytes of the message, those that there was no room for included. */
    private int length;
    private int status = STATUS_IDLE;
    private int address;
    private int data;

    I2cMaster(EncoderChip encoder) {
        this.encoder = encoder;
    }

    /** The register's low byte. */
    int status() {
        return status;
    }

    /** The register's second byte: what was read last. */
    int data() {
        return data;
    }

    /**
     * The driver writes a command.
     *
     * @param value of the register: attribute in bits 7 and 6, data in bits 15 to 8
     * @param withData true to send the written data, false to read a byte
     */
    void command(int value, boolean withData) {
        int sent = value >>> 8 & 0xff;
        status = switch (value >>> 6 & 3) {
            case START -> {
                end();
                address = sent;
                if (!isEncoder()) yield STATUS_NO_DEVICE;
                yield isWrite() ? STATUS_ACKNOWLEDGED_WRITE : STATUS_ACKNOWLEDGED_READ;
            }
            case CONTINUE -> withData ? send(sent) : receive();
            case STOP -> {
                end();
                address = 0;
                yield STATUS_DONE_STOP;
            }
            default -> STATUS_IDLE;
        };
    }

    private int send(int value) {
        if (!isEncoder()) return STATUS_NO_ACKNOWLEDGE;
        if (isWrite()) {
            if (length < message.length) message[length] = (byte) value;
            if (length <= message.length) length++;
        }
        return STATUS_ACKNOWLEDGED_WRITE;
    }

    private int receive() {
        data = 0;
        if (!isEncoder()) return STATUS_NO_DEVICE;
        if (!isWrite()) data = encoder.read();
        return STATUS_ACKNOWLEDGED_READ;
    }

    private void end() {
        int all = length;
        length = 0;
        if (all > 0) encoder.message(message, all);
    }

    private boolean isEncoder() {
        return address >>> 1 == ENCODER;
    }

    private boolean isWrite() {
        return (address & 1) == 0;
    }

    void reset() {
        status = STATUS_IDLE;
        address = 0;
        length = 0;
        data = 0;
        encoder.reset();
    }
}
