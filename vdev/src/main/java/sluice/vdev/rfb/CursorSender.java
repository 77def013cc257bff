package sluice.vdev.rfb;

import java.util.BitSet;
import java.util.Objects;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** The cursor of one viewer: sent to be drawn by the viewer where its pointer is, or drawn into the picture. */
final class CursorSender {
    private static final int SIDE = CursorShape.SIDE;
    private static final int MASK_BYTES = SIDE / 8;

    private final Screen screen;
    private int changes = -1;
    private @Nullable CursorShape shape;
    private int x;
    private int y;
    private boolean isDue;

    CursorSender(Screen screen) {
        this.screen = screen;
    }

    /** The viewer knows no cursor. */
    void forget() {
        changes = -1;
        isDue = true;
    }

    /**
     * Looks at the guest's cursor. For a viewer that does not draw it, the tiles where it was and where it is are marked.
     *
     * @param dirty as in {@link Damage#collect}
     */
    void look(boolean isDrawnByViewer, BitSet dirty, int columns, int rows) {
        int now = screen.cursorChanges();
        if (now == changes) return;
        changes = now;
        CursorShape before = shape;
        if (!isDrawnByViewer && before != null) mark(dirty, columns, rows);
        shape = screen.cursor();
        x = screen.cursorX();
        y = screen.cursorY();
        if (!Objects.equals(before, shape)) isDue = true;
        if (!isDrawnByViewer && shape != null) mark(dirty, columns, rows);
    }

    private void mark(BitSet dirty, int columns, int rows) {
        int left = Math.clamp(Math.floorDiv((long) x, Damage.TILE), 0, columns);
        int right = Math.clamp(Math.floorDiv((long) x + SIDE - 1, Damage.TILE) + 1, 0, columns);
        int top = Math.clamp(Math.floorDiv((long) y, Damage.TILE), 0, rows);
        int bottom = Math.clamp(Math.floorDiv((long) y + SIDE - 1, Damage.TILE) + 1, 0, rows);
        for (int row = top; row < bottom; row++) dirty.set(row * columns + left, row * columns + right);
    }

    /** Whether the viewer has another cursor than the guest. */
    boolean isDue() {
        return isDue;
    }

    /** Draws it over a block of the picture, whose corner is given. */
    void drawOn(int[] block, int blockX, int blockY, int width, int height) {
        CursorShape present = shape;
        if (present != null) present.drawOn(block, width, height, (long) x - blockX, (long) y - blockY);
    }

    /** Appends the rectangle of the cursor, empty if there is none. */
    void putTo(ByteBuf out, RfbPixelFormat format, boolean withAlpha) {
        isDue = false;
        CursorShape present = shape;
        int encoding = withAlpha ? Encodings.CURSOR_WITH_ALPHA : Encodings.CURSOR;
        if (present == null) {
            Updates.putHeader(out, 0, 0, 0, 0, encoding);
            if (withAlpha) out.writeInt(Encodings.RAW);
            return;
        }
        Updates.putHeader(out, present.hotX(), present.hotY(), SIDE, SIDE, encoding);
        if (withAlpha) {
            out.writeInt(Encodings.RAW);
            for (int pixel : present.pixels()) out.writeInt(pixel << 8 | pixel >>> 24);
            return;
        }
        byte[] pixels = new byte[SIDE * SIDE * format.pixelBytes()];
        byte[] mask = new byte[SIDE * MASK_BYTES];
        int end = 0;
        for (int i = 0; i < SIDE * SIDE; i++) {
            int pixel = present.pixels()[i];
            end = format.put(pixels, end, format.converted(pixel));
            if (pixel < 0) mask[i / 8] |= (byte) (0x80 >> i % 8); // half opaque or more
        }
        out.writeBytes(pixels).writeBytes(mask);
    }
}
