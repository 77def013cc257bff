package sluice.vdev.differential;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.DisplayMessage;

/** The messages to a display, with the pixels. Pixels are 32-bit numbers whose low byte came first. */
sealed interface Seen {
    /** A scan-out has a size from now on; 0×0 is off. */
    record Scanout(int scanout, long width, long height) implements Seen {}

    /** Pixels of a rectangle, row by row. */
    record Painted(int scanout, long x, long y, long width, long height, IntBuffer pixels) implements Seen {}

    /** The cursor is at a place, shown or hidden. */
    record CursorAt(long scanout, long x, long y, boolean visible) implements Seen {}

    /** The cursor looks like this, 64×64 pixels. */
    record CursorImage(long scanout, long x, long y, long hotX, long hotY, IntBuffer pixels) implements Seen {}

    /** The display was asked something. */
    record Asked(String what) implements Seen {}

    /** What a message means, or null for one that says nothing a user sees. */
    static @Nullable Seen of(DisplayMessage message, ByteBuffer payload) {
        return switch (message) {
            case DisplayMessage.Scanout it -> new Scanout((int) it.scanout(), it.width(), it.height());
            case DisplayMessage.Update it ->
                new Painted((int) it.scanout(), it.x(), it.y(), it.width(), it.height(), pixels(payload));
            case DisplayMessage.CursorPos it -> new CursorAt(it.scanout(), it.x(), it.y(), true);
            case DisplayMessage.CursorHide it -> new CursorAt(it.scanout(), it.x(), it.y(), false);
            case DisplayMessage.CursorUpdate it ->
                new CursorImage(it.scanout(), it.x(), it.y(), it.hotX(), it.hotY(), pixels(payload));
            case DisplayMessage.GetEdid it -> new Asked("EDID of scan-out " + it.scanout());
            case DisplayMessage.GetDisplayInfo it -> new Asked("display info");
            case DisplayMessage.DmabufScanout it -> new Asked("to show " + it);
            case DisplayMessage.DmabufUpdate it -> new Asked("to show " + it);
            case DisplayMessage.GetProtocolFeatures it -> null;
            case DisplayMessage.SetProtocolFeatures it -> null;
        };
    }

    /** Both messages that carry pixels have five numbers before them. */
    private static IntBuffer pixels(ByteBuffer payload) {
        int from = 20;
        IntBuffer source = payload.slice(from, payload.limit() - from).order(payload.order()).asIntBuffer();
        int[] copy = new int[source.remaining()];
        source.get(copy);
        return IntBuffer.wrap(copy).asReadOnlyBuffer();
    }
}
