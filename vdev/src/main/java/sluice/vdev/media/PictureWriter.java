package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;

/** Writes pictures into CAPTURE buffers, in the client's format. Used by one thread at a time. */
final class PictureWriter {
    private static final byte NO_COLOR = (byte) 128;
    /** Samples of chroma that are written at once. */
    private static final int PAIRS = 4;
    private static final ValueLayout.OfInt QUAD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong EIGHT = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** A line that is not one of the picture's. */
    private final MemorySegment line = Arena.ofAuto().allocate(FrameLayout.MOST);
    private long copied;
    private long converted;

    /** Bytes written since the last call. */
    long takeCopied() {
        long bytes = copied;
        copied = 0;
        return bytes;
    }

    /** Bytes written since the last call whose order is not the picture's. */
    long takeConverted() {
        long bytes = converted;
        converted = 0;
        return bytes;
    }

    /** Writes chroma of a picture of YU12 whose luma is in place; false as for {@link #write}. */
    boolean writeChroma(Picture picture, MediaBuffer buffer, FrameLayout layout) {
        return interleave(picture.planes().get(1), picture.planes().get(2), (picture.format().width() + 1) / 2,
                (picture.format().height() + 1) / 2, buffer, layout);
    }

    /** False if the buffer was taken away, or its memory is gone; some of it may have been written. */
    boolean write(Picture picture, MediaBuffer buffer, FrameLayout layout) {
        PictureFormat format = picture.format();
        Picture.Plane luma = picture.planes().getFirst();
        if (!lines(luma, format.width(), format.height(), buffer, layout, 0)) return false;
        int width = (format.width() + 1) / 2;
        int height = (format.height() + 1) / 2;
        boolean interleaved = format.pixels() == PixelFormat.NV12;
        if (format.pixels() == PixelFormat.GREY) return grey(width, height, buffer, layout);
        if (interleaved == layout.raw().interleaved()) {
            for (int i = 1; i < picture.planes().size(); i++) {
                int bytes = format.pixels().lineBytes(i, format.width());
                if (!lines(picture.planes().get(i), bytes, height, buffer, layout, i)) return false;
            }
            return true;
        }
        return interleaved
                ? separate(picture.planes().get(1), width, height, buffer, layout)
                : interleave(picture.planes().get(1), picture.planes().get(2), width, height, buffer, layout);
    }

    private boolean lines(Picture.Plane from, int bytes, int lines, MediaBuffer buffer, FrameLayout layout,
            int component) {
        int stride = layout.componentStride(component);
        if (from.stride() != stride) {
            for (int i = 0; i < lines; i++) {
                if (!put(from.bytes(), (long) i * from.stride(), bytes, buffer, layout, component, i)) return false;
            }
            return true;
        }
        // The same distance of lines: many at once, with what is between them.
        long all = (lines - 1L) * stride + bytes;
        int plane = layout.componentPlane(component);
        long offset = layout.componentOffset(component);
        for (long done = 0; done < all; done += MediaBuffer.CHUNK) {
            long step = Math.min(MediaBuffer.CHUNK, all - done);
            if (!buffer.write(plane, offset + done, from.bytes(), done, step)) return false;
        }
        copied += all;
        return true;
    }

    private boolean put(MemorySegment from, long at, int bytes, MediaBuffer buffer, FrameLayout layout, int component,
            int lineNumber) {
        copied += bytes;
        return buffer.write(layout.componentPlane(component),
                layout.componentOffset(component) + (long) lineNumber * layout.componentStride(component), from, at,
                bytes);
    }

    private boolean grey(int width, int height, MediaBuffer buffer, FrameLayout layout) {
        line.fill(NO_COLOR);
        boolean interleaved = layout.raw().interleaved();
        for (int i = 0; i < height; i++) {
            if (!put(line, 0, interleaved ? 2 * width : width, buffer, layout, 1, i)) return false;
            if (!interleaved && !put(line, 0, width, buffer, layout, 2, i)) return false;
        }
        return true;
    }

    private boolean interleave(Picture.Plane blue, Picture.Plane red, int width, int height, MediaBuffer buffer,
            FrameLayout layout) {
        for (int i = 0; i < height; i++) {
            int x = 0;
            for (; x + PAIRS <= width; x += PAIRS) {
                long both = spread(blue.bytes().get(QUAD, (long) i * blue.stride() + x))
                        | spread(red.bytes().get(QUAD, (long) i * red.stride() + x)) << Byte.SIZE;
                line.set(EIGHT, 2L * x, both);
            }
            for (; x < width; x++) {
                line.set(ValueLayout.JAVA_BYTE, 2L * x, byteAt(blue, i, x));
                line.set(ValueLayout.JAVA_BYTE, 2L * x + 1, byteAt(red, i, x));
            }
            converted += 2L * width;
            if (!buffer.write(layout.componentPlane(1),
                    layout.componentOffset(1) + (long) i * layout.componentStride(1),
                    line, 0, 2L * width))
                return false;
        }
        return true;
    }

    /** Four bytes, each in the lower half of 16 bits. */
    private static long spread(int bytes) {
        long wide = Integer.toUnsignedLong(bytes);
        wide = (wide | wide << 16) & 0x0000_ffff_0000_ffffL;
        return (wide | wide << 8) & 0x00ff_00ff_00ff_00ffL;
    }

    private boolean separate(Picture.Plane both, int width, int height, MediaBuffer buffer, FrameLayout layout) {
        for (int component = 1; component <= 2; component++) {
            for (int i = 0; i < height; i++) {
                for (int x = 0; x < width; x++)
                    line.set(ValueLayout.JAVA_BYTE, x, byteAt(both, i, 2 * x + component - 1));
                if (!put(line, 0, width, buffer, layout, component, i)) return false;
            }
        }
        return true;
    }

    private static byte byteAt(Picture.Plane plane, int lineNumber, int x) {
        return plane.bytes().get(ValueLayout.JAVA_BYTE, (long) lineNumber * plane.stride() + x);
    }
}
