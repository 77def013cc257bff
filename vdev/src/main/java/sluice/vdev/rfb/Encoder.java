package sluice.vdev.rfb;

import java.util.zip.Deflater;

import io.netty.buffer.ByteBuf;

/** Encodes blocks of pixels for all viewers of a server, one after the other; used on the server's loop only. */
final class Encoder {
    /** Most columns and rows of a block: a quarter of a MiB of raw pixels, and a millisecond or two of work. */
    static final int MAX_WIDTH = 16 * Damage.TILE;
    static final int MAX_HEIGHT = Damage.TILE;
    static final int MAX_PIXELS = MAX_WIDTH * MAX_HEIGHT;
    private static final int FIRST_BYTES = 16 << 10;

    private final int[] block = new int[MAX_PIXELS];
    private final ZrleTiles tiles = new ZrleTiles(MAX_PIXELS);

    /** Where the caller puts the pixels, 0xXXRRGGBB, row by row. */
    int[] block() {
        return block;
    }

    /** Appends the block in the encoding Raw. */
    void putRaw(int width, int height, RfbPixelFormat format, ByteBuf out) {
        int count = width * height;
        format.convert(block, count);
        int bytes = format.pixelBytes();
        out.ensureWritable(count * bytes);
        byte[] scratch = tiles.bytes();
        int end = 0;
        for (int i = 0; i < count; i++) end = format.put(scratch, end, block[i]);
        out.writeBytes(scratch, 0, end);
    }

    /** Appends the block in the encoding ZRLE: its length, and what the stream of the viewer makes of it. */
    void putZrle(int width, int height, RfbPixelFormat format, Deflater stream, ByteBuf out) {
        format.convert(block, width * height);
        stream.setInput(tiles.bytes(), 0, tiles.encode(block, width, height, format));
        int lengthAt = out.writerIndex();
        out.writeInt(0);
        int room = FIRST_BYTES;
        int written;
        do {
            out.ensureWritable(room);
            written = stream.deflate(out.nioBuffer(out.writerIndex(), room), Deflater.SYNC_FLUSH);
            out.writerIndex(out.writerIndex() + written);
            // Full to the last byte: there may be more.
        } while (written == room);
        out.setInt(lengthAt, out.writerIndex() - lengthAt - Integer.BYTES);
    }
}
