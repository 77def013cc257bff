package sluice.vdev.codec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A picture in memory.
 *
 * @param planes one for each of the format's
 */
public record Picture(PictureFormat format, List<Plane> planes) {
    /**
     * One plane: lines, each {@code stride} bytes after the one before.
     *
     * @param bytes native memory, which an engine may pass to its library
     * @param stride in bytes, at least those of a line
     */
    public record Plane(MemorySegment bytes, int stride) {}

    /** @throws IllegalArgumentException a plane is missing, too short, or not native memory */
    public Picture {
        planes = List.copyOf(planes);
        PixelFormat pixels = format.pixels();
        if (planes.size() != pixels.planes())
            throw new IllegalArgumentException("%d planes for %s".formatted(planes.size(), format));
        for (int i = 0; i < planes.size(); i++) {
            Plane plane = planes.get(i);
            int line = pixels.lineBytes(i, format.width());
            long least = (pixels.lines(i, format.height()) - 1L) * plane.stride() + line;
            if (!plane.bytes().isNative() || plane.stride() < line || plane.bytes().byteSize() < least)
                throw new IllegalArgumentException("plane %d of %s: stride %d, %d bytes, native memory %s"
                        .formatted(i, format, plane.stride(), plane.bytes().byteSize(), plane.bytes().isNative()));
        }
    }

    /** A picture of zeros without padding in new memory. */
    public static Picture allocate(PictureFormat format, Arena arena) {
        return in(arena.allocate(format.bytes(), 64), format);
    }

    /**
     * A picture without padding, its planes one after the other.
     *
     * @param bytes native memory, at least {@link PictureFormat#bytes()}
     */
    public static Picture in(MemorySegment bytes, PictureFormat format) {
        List<Plane> planes = new ArrayList<>();
        long at = 0;
        for (int i = 0; i < format.pixels().planes(); i++) {
            int stride = format.pixels().lineBytes(i, format.width());
            long size = (long) stride * format.pixels().lines(i, format.height());
            planes.add(new Plane(bytes.asSlice(at, size), stride));
            at += size;
        }
        return new Picture(format, planes);
    }
}
