package sluice.vdev.tw686x;

/**
 * Register numbers: a register has 32 bits, at the offset of four times its number. Decoder registers use the low 8
 * bits.
 */
final class Registers {
    /** Number of registers, including gaps. */
    static final int COUNT = 0x2d4;

    /** Interrupt status by channel; cleared by reading. */
    static final int INTERRUPT = 0x00;
    /** By channel, whether the last filled buffer was B. */
    static final int LAST_BUFFER = 0x01;
    /** DMA enable, by channel, and for all in {@link #ENABLE}. */
    static final int DMA_COMMAND = 0x02;
    static final int ENABLE = 1 << 31;
    /**
     * By channel: no signal, from bit 16 on a bad address, from bit 24 on an overflow; errors are cleared by reading.
     */
    static final int FIFO_STATUS = 0x03;
    static final int FIFO_BAD_ADDRESS = 16;
    /** Its low four bits reset parts of the chip. */
    static final int SOFT_RESET = 0x06;
    static final int SOFT_RESET_BITS = 0x0f;
    /** DMA permission by channel. */
    static final int DMA_ENABLE = 0x0a;
    /** From bit 13, by channel: 50 fields per second instead of 60. */
    static final int VIDEO_CONTROL = 0x2a;
    static final int FIFTY_FIELDS = 13;
    /** From bit 16, two bits for each channel: its DMA mode. */
    static final int PHASE = 0x2e;
    static final int WRITING = 16;

    /** Of a decoder. */
    static final int DECODER_STATUS = 0x0;
    static final int DECODER_STANDARD = 0xe;
    private static final int DECODER = 0x100;
    private static final int DECODER_BYTES = 0x10;
    private static final int HALF = 4;
    private static final int LISTS = 0xd0;

    private Registers() {}

    /** Address of the list of a channel's P buffer; the next register has that of B. */
    static int list(int channel) {
        return channel == 0 ? 0x08 : LISTS + 2 * (channel - 1);
    }

    /** First and last entry of the list, pixel format, size. */
    static int channelConfiguration(int channel) {
        return 0x10 + channel;
    }

    /** Bit 31 enables frame dropping; the other bits select the pictures of a second. */
    static int fieldControl(int channel) {
        return 0x39 + channel;
    }

    /** Address of the P buffer. */
    static int bufferP(int channel) {
        return 0x80 + 8 * channel;
    }

    /** Bytes of a line, bytes from a line to the next, lines of a field. */
    static int size(int channel) {
        return bufferP(channel) + 1;
    }

    /** Address of the B buffer. */
    static int bufferB(int channel) {
        return bufferP(channel) + 2;
    }

    /** A register of a channel's decoder. */
    static int decoder(int channel, int register) {
        return DECODER + channel / HALF * DECODER + channel % HALF * DECODER_BYTES + register;
    }

    /** The channel of a decoder register, or -1. */
    static int channelOfDecoder(int number) {
        int half = number / DECODER - 1;
        int within = number % DECODER;
        return half < 0 || half > 1 || within >= HALF * DECODER_BYTES ? -1 : half * HALF + within / DECODER_BYTES;
    }
}
