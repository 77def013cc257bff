package sluice.vdev.display;

import java.nio.ByteBuffer;

/**
 * The preferred mode of an EDID block, read independently of what wrote it (VESA E-EDID 1.4, §3.10.2).
 *
 * @param width in pixels
 * @param height in pixels
 */
record EdidMode(int width, int height) {
    private static final long HEADER = 0x00ff_ffff_ffff_ff00L;
    private static final int TIMING = 54;

    /** @throws AssertionError if the block is not well-formed */
    static EdidMode of(byte[] block) {
        if (block.length != 128) throw new AssertionError("an EDID block of " + block.length + " bytes");
        if (ByteBuffer.wrap(block).getLong(0) != HEADER) throw new AssertionError("no EDID header");
        int sum = 0;
        for (byte b : block) sum += b;
        if ((sum & 0xff) != 0) throw new AssertionError("the EDID's bytes do not add up to 0");
        int width = (block[TIMING + 2] & 0xff) | (block[TIMING + 4] & 0xf0) << 4;
        int height = (block[TIMING + 5] & 0xff) | (block[TIMING + 7] & 0xf0) << 4;
        return new EdidMode(width, height);
    }
}
