package sluice.vdev.rfb;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.concurrent.RejectedExecutionException;
import java.util.zip.Deflater;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;

import sluice.vdev.gpu.PixelFormat;

/**
 * The updates of one viewer: what has changed since it asked last, one rectangle at a time, as fast as it reads. Used on
 * the server's loop.
 *
 * <p>A rectangle is read when it is sent: it may show a later picture than the one before. A change that comes after that
 * is in the next update.
 */
final class Updates {
    /** Fewer than the 16 bits of their number, because the last could be that of a special meaning. */
    private static final int MAX_RECTANGLES = 60_000;
    private static final int HEADER_BYTES = 16;
    /** Bytes that are collected before they are passed to the kernel. */
    private static final int FLUSH_BYTES = 64 << 10;

    private final Channel channel;
    private final Screen screen;
    private final Encoder encoder;
    private final CursorSender cursor;
    private final Encodings encodings = new Encodings();
    private final Deflater stream = new Deflater(Deflater.BEST_SPEED);
    private final Runnable step = this::step;
    private RfbPixelFormat format = RfbPixelFormat.OURS;
    /** Size of the viewer's picture, and its tiles. */
    private int width;
    private int height;
    private int columns;
    private int rows;
    /** Tiles that have changed, and those of them that are being sent. */
    private final BitSet dirty = new BitSet();
    private final BitSet sending = new BitSet();
    private int next;
    private @Nullable Damage damage;
    private long seen;
    private boolean isRequested;
    private int firstColumn;
    private int firstRow;
    private int endColumn;
    private int endRow;
    private boolean isAnnounced;
    private boolean isSending;
    private boolean isFetching;
    private boolean isStepDue;
    private boolean isClosed;
    /** Messages that wait for the end of an update. */
    private boolean isRefusalDue;
    private boolean isMapDue;
    private boolean drawsCursor;
    private int unflushed;
    /** Of pixels in guest pages; made when it is needed. */
    private @Nullable MemorySegment fetched;

    Updates(Channel channel, Screen screen, Encoder encoder) {
        this.channel = channel;
        this.screen = screen;
        this.encoder = encoder;
        Screen.View view = screen.view();
        cursor = new CursorSender(screen);
        resize(view.width(), view.height());
    }

    private void resize(int newWidth, int newHeight) {
        width = newWidth;
        height = newHeight;
        columns = Damage.tiles(width);
        rows = Damage.tiles(height);
        dirty.clear();
        damage = null;
    }

    /** In pixels, as the viewer knows it. */
    int width() {
        return width;
    }

    int height() {
        return height;
    }

    /** What the viewer can receive; changed by its messages. */
    Encodings encodings() {
        return encodings;
    }

    /** The viewer has sent all encodings. */
    void encodingsChanged() {
        isAnnounced = false;
        cursor.forget();
        if (drawsCursor != encodings.drawsCursor()) dirty.set(0, columns * rows);
        drawsCursor = encodings.drawsCursor();
    }

    void setFormat(RfbPixelFormat chosen) {
        format = chosen;
        cursor.forget();
        isMapDue = chosen.isMapped();
        if (!isSending) sendDue();
    }

    /** Answers a viewer that wants another size, which only the guest can set. */
    void refuseSize() {
        isRefusalDue = encodings.hasExtendedDesktopSize();
        if (!isSending) sendDue();
    }

    private void sendDue() {
        if (isMapDue) {
            ByteBuf out = channel.alloc().directBuffer().writeByte(1).writeByte(0).writeShort(0)
                    .writeShort(RfbPixelFormat.MAPPED_COLOURS);
            RfbPixelFormat.writeMapTo(out);
            write(out);
        }
        if (isRefusalDue) sendSize(1, 1);
        if (isMapDue || isRefusalDue) flush();
        isMapDue = false;
        isRefusalDue = false;
    }

    /** The viewer asks for an update of this area: of what has changed, or of everything there. */
    void request(boolean isIncremental, int x, int y, int areaWidth, int areaHeight) {
        int left = Math.min(columns, x / Damage.TILE);
        int top = Math.min(rows, y / Damage.TILE);
        int right = Math.min(columns, Damage.tiles(x + areaWidth));
        int bottom = Math.min(rows, Damage.tiles(y + areaHeight));
        if (!isIncremental) {
            for (int row = top; row < bottom && left < right; row++)
                dirty.set(row * columns + left, row * columns + right);
        }
        // Several requests are one, of an area with all of theirs.
        firstColumn = isRequested ? Math.min(firstColumn, left) : left;
        firstRow = isRequested ? Math.min(firstRow, top) : top;
        endColumn = isRequested ? Math.max(endColumn, right) : right;
        endRow = isRequested ? Math.max(endRow, bottom) : bottom;
        isRequested = true;
        pump();
    }

    /** Goes on if there is something to send and the viewer reads. */
    void pump() {
        if (isStepDue || isClosed) return;
        isStepDue = true;
        channel.eventLoop().execute(step);
    }

    /** Sends a rectangle; then it is the turn of other viewers. */
    private void step() {
        isStepDue = false;
        if (isClosed || isFetching) return;
        if (!channel.isWritable()) {
            flush();
            return;
        }
        if (!isSending && !(isRequested && begin())) return;
        sendNext();
        if (!isFetching && (isSending || isRequested)) pump();
    }

    private void flush() {
        unflushed = 0;
        channel.flush();
    }

    private void write(ByteBuf out) {
        unflushed += out.readableBytes();
        channel.write(out, channel.voidPromise());
        if (unflushed >= FLUSH_BYTES) flush();
    }

    /** Begins an update if there is something to send; otherwise a change will wake the viewer. */
    private boolean begin() {
        boolean isFound = look();
        if (!isFound) {
            screen.want();
            isFound = look();
        }
        return isFound;
    }

    private boolean look() {
        Screen.View view = screen.view();
        boolean isResized = encodings.canResize() && (view.width() != width || view.height() != height);
        if (isResized) {
            resize(view.width(), view.height());
            firstColumn = 0;
            firstRow = 0;
            endColumn = columns;
            endRow = rows;
        }
        if (isResized || (encodings.hasExtendedDesktopSize() && !isAnnounced)) {
            isAnnounced = true;
            sendSize(0, 0);
        }
        // After the number of the last change: what is read later is at least as new.
        if (view.damage() != damage) {
            // Another size, also for a viewer that cannot follow: what is outside of it is black.
            damage = view.damage();
            seen = 0;
            dirty.set(0, columns * rows);
        }
        seen = view.damage().collect(seen, dirty, columns, rows);
        cursor.look(encodings.drawsCursor(), dirty, columns, rows);
        int rectangles = choose();
        boolean hasCursor = encodings.drawsCursor() && cursor.isDue();
        if (rectangles == 0 && !hasCursor) return false;
        isRequested = false;
        isSending = true;
        next = 0;
        ByteBuf out = channel.alloc().directBuffer().writeByte(0).writeByte(0)
                .writeShort(rectangles + (hasCursor ? 1 : 0));
        if (hasCursor) cursor.putTo(out, format, encodings.hasAlphaCursor());
        write(out);
        return true;
    }

    /** Moves the tiles that are asked for from those that have changed to those that are sent; returns their rectangles. */
    private int choose() {
        sending.clear();
        for (int row = firstRow; row < endRow; row++) {
            int end = row * columns + endColumn;
            for (int at = dirty.nextSetBit(row * columns + firstColumn); at >= 0 && at < end;) {
                int runEnd = Math.min(dirty.nextClearBit(at), end);
                sending.set(at, runEnd);
                at = dirty.nextSetBit(runEnd);
            }
        }
        int rectangles = 0;
        int at = sending.nextSetBit(0);
        while (at >= 0 && rectangles < MAX_RECTANGLES) {
            rectangles++;
            at = sending.nextSetBit(endOfRun(at));
        }
        if (at >= 0) sending.clear(at, columns * rows);
        dirty.andNot(sending);
        return rectangles;
    }

    private int endOfRun(int tile) {
        int endOfRow = (tile / columns + 1) * columns;
        int longest = tile + Encoder.MAX_WIDTH / Damage.TILE;
        return Math.min(sending.nextClearBit(tile), Math.min(endOfRow, longest));
    }

    private void sendNext() {
        int tile = sending.nextSetBit(next);
        if (tile < 0) {
            isSending = false;
            flush();
            sendDue();
            return;
        }
        next = endOfRun(tile);
        int x = tile % columns * Damage.TILE;
        int y = tile / columns * Damage.TILE;
        int blockWidth = Math.min((next - tile) * Damage.TILE, width - x);
        int blockHeight = Math.min(Encoder.MAX_HEIGHT, height - y);
        if (screen.read(x, y, blockWidth, blockHeight, encoder.block())) {
            put(x, y, blockWidth, blockHeight);
        } else {
            fetch(x, y, blockWidth, blockHeight);
        }
    }

    private void fetch(int x, int y, int blockWidth, int blockHeight) {
        MemorySegment present = fetched;
        MemorySegment target = present == null
                ? Arena.ofAuto().allocate((long) Encoder.MAX_PIXELS * PixelFormat.BYTES, PixelFormat.BYTES)
                : present;
        fetched = target;
        isFetching = true;
        try {
            screen.fetch(x, y, blockWidth, blockHeight, target, () -> RfbServer.post(channel.eventLoop(), () -> {
                isFetching = false;
                if (isClosed) return;
                Screen.take(target, encoder.block(), blockWidth * blockHeight);
                put(x, y, blockWidth, blockHeight);
                pump();
            }));
        } catch (RejectedExecutionException e) {
            // The device is closed, and the server will be: there is nothing to send any more.
            close();
        }
    }

    private void put(int x, int y, int blockWidth, int blockHeight) {
        int[] block = encoder.block();
        if (!encodings.drawsCursor()) cursor.drawOn(block, x, y, blockWidth, blockHeight);
        int encoding = encodings.pixels();
        ByteBuf out = channel.alloc().directBuffer();
        putHeader(out, x, y, blockWidth, blockHeight, encoding);
        if (encoding == Encodings.ZRLE) {
            encoder.putZrle(blockWidth, blockHeight, format, stream, out);
        } else {
            encoder.putRaw(blockWidth, blockHeight, format, out);
        }
        write(out);
    }

    static void putHeader(ByteBuf out, int x, int y, int width, int height, int encoding) {
        out.writeShort(x).writeShort(y).writeShort(width).writeShort(height).writeInt(encoding);
    }

    /**
     * Sends an update with nothing but the size.
     *
     * @param reason 0 the server's own, 1 the viewer's request
     * @param status 0 done, 1 prohibited
     */
    private void sendSize(int reason, int status) {
        ByteBuf out = channel.alloc().directBuffer(2 * HEADER_BYTES + 20).writeByte(0).writeByte(0).writeShort(1);
        if (encodings.hasExtendedDesktopSize()) {
            putHeader(out, reason, status, width, height, Encodings.EXTENDED_DESKTOP_SIZE);
            out.writeByte(1).writeZero(3).writeInt(0).writeShort(0).writeShort(0).writeShort(width).writeShort(height)
                    .writeInt(0);
        } else {
            putHeader(out, 0, 0, width, height, Encodings.DESKTOP_SIZE);
        }
        write(out);
    }

    /** The connection has ended. */
    void close() {
        if (isClosed) return;
        isClosed = true;
        stream.end();
    }
}
