package sluice.vdev.gpu;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/**
 * Writes pixels as PNG of 8-bit true colour (W3C PNG specification, third edition) row by row: it needs two rows and a
 * chunk of heap, independent of the picture's height.
 */
final class PngWriter implements AutoCloseable {
    private static final byte[] SIGNATURE = { (byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
    private static final int HEADER_BYTES = 13;
    private static final byte BIT_DEPTH = 8;
    private static final byte TRUE_COLOUR = 2;
    private static final int SAMPLES = 3;
    /** Filter "up": rows are stored as the difference to the row above, which compresses screens best. */
    private static final byte FILTER_UP = 2;
    private static final int LEVEL = 4;
    private static final int CHUNK_BYTES = 1 << 16;

    private final DataOutputStream out;
    private final Deflater deflater = new Deflater(LEVEL);
    private final byte[] compressed = new byte[CHUNK_BYTES];
    private final int width;
    /** The filter's number, then the row. */
    private final byte[] filtered;
    private final byte[] above;

    private PngWriter(OutputStream out, int width) {
        this.out = new DataOutputStream(out);
        this.width = width;
        filtered = new byte[1 + width * SAMPLES];
        above = new byte[width * SAMPLES];
    }

    /**
     * Writes a picture.
     *
     * @param pixels rows without gaps, top first, of B, G, R, X bytes
     */
    static void write(OutputStream out, int width, int height, MemorySegment pixels) throws IOException {
        try (PngWriter writer = new PngWriter(out, width)) {
            writer.writeAll(height, pixels);
        }
    }

    private void writeAll(int height, MemorySegment pixels) throws IOException {
        out.write(SIGNATURE);
        // Compression, filter and interlace method: 0.
        chunk("IHDR", ByteBuffer.allocate(HEADER_BYTES).putInt(width).putInt(height).put(BIT_DEPTH).put(TRUE_COLOUR)
                .array(), HEADER_BYTES);
        for (int row = 0; row < height; row++) {
            filter(pixels, (long) row * width * PixelFormat.BYTES);
            deflater.setInput(filtered);
            deflate(false);
        }
        deflater.finish();
        deflate(true);
        chunk("IEND", compressed, 0);
        out.flush();
    }

    private void filter(MemorySegment pixels, long rowStart) {
        filtered[0] = FILTER_UP;
        for (int x = 0, at = 0; x < width; x++) {
            int pixel = pixels.get(HostImage.PIXEL, rowStart + (long) x * PixelFormat.BYTES);
            for (int shift = 16; shift >= 0; shift -= 8, at++) {
                byte sample = (byte) (pixel >> shift);
                filtered[at + 1] = (byte) (sample - above[at]);
                above[at] = sample;
            }
        }
    }

    /** @param last whether to write the rest, instead of whole chunks only */
    private void deflate(boolean last) throws IOException {
        while (last ? !deflater.finished() : !deflater.needsInput()) {
            int length = deflater.deflate(compressed);
            if (length > 0) chunk("IDAT", compressed, length);
        }
    }

    private void chunk(String type, byte[] data, int length) throws IOException {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(data, 0, length);
        out.writeInt(length);
        out.write(name);
        out.write(data, 0, length);
        out.writeInt((int) crc.getValue());
    }

    /** Frees the compressor; the stream stays open. */
    @Override
    public void close() {
        deflater.end();
    }
}
