package sluice.vdev.tw686x;

/** Numbers of registers: a register has 32 bits, and is at four times its number. Decoders' registers use the low 8 bits. */
final class Registers {
    /** How many there are, with gaps. */
    static final int COUNT = 0x2d4;

    /** What has happened, by channel; reading it clears it. */
    static final int INTERRUPT = 0x00;
    /** By channel, whether the buffer that was filled last was B. */
    static final int LAST_BUFFER = 0x01;
    /** By channel, and for all in {@link #ENABLE}: whether DMA is wanted. */
    static final int DMA_COMMAND = 0x02;
    static final int ENABLE = 1 << 31;
    /** By channel: no signal, from bit 16 on a bad address, from bit 24 on an overflow; reading it clears the errors. */
    static final int FIFO_STATUS = 0x03;
    static final int FIFO_BAD_ADDRESS = 16;
    /** Its low four bits put parts of the chip back to power-on. */
    static final int SOFT_RESET = 0x06;
    static final int SOFT_RESET_BITS = 0x0f;
    /** By channel: whether it may use DMA. */
    static final int DMA_ENABLE = 0x0a;
    /** From bit 13 on, by channel: whether it has 50 fields a second, and not 60. */
    static final int VIDEO_CONTROL = 0x2a;
    static final int FIFTY_FIELDS = 13;
    /** From bit 16 on, two bits for each channel: how its pictures are written. */
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

    /** Where the list of a channel's P buffer is, that of B is in the next. */
    static int list(int channel) {
        return channel == 0 ? 0x08 : LISTS + 2 * (channel - 1);
    }

    /** First and last entry of the list, pixel format, size. */
    static int channelConfiguration(int channel) {
        return 0x10 + channel;
    }

    /** In bit 31 whether only some pictures are to be taken; which of a second, the other bits say. */
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

    /** Whose decoder has this register, or -1. */
    static int channelOfDecoder(int number) {
        int half = number / DECODER - 1;
        int within = number % DECODER;
        return half < 0 || half > 1 || within >= HALF * DECODER_BYTES ? -1 : half * HALF + within / DECODER_BYTES;
    }
}
