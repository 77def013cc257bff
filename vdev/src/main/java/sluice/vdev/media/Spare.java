package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureMemory;

/** Memory of our own for a picture for which there was no CAPTURE buffer, which is copied into one later. */
final class Spare implements Outcome {
    private static final int STRIDE_UNIT = 128;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment bytes;
    private @Nullable Picture picture;
    private long time;
    private boolean key;
    private boolean whole;
    /** Whether it waits for a CAPTURE buffer, and whether the decoder uses it. */
    private boolean waits;
    private boolean referenced;

    /** Allocates memory; on a worker. */
    Spare(long size) {
        bytes = arena.allocate(size, STRIDE_UNIT);
    }

    /** Bytes of memory for a decoder to write a picture into. */
    static long bytesFor(PictureMemory.Wanted wanted) {
        return (long) stride(wanted) * wanted.lines() * 3 / 2 + PictureMemory.SLACK;
    }

    private static int stride(PictureMemory.Wanted wanted) {
        return wanted.width() + STRIDE_UNIT - 1 & -STRIDE_UNIT;
    }

    long bytes() {
        return bytes.byteSize();
    }

    /** Gives it to the decoder. */
    PictureMemory.Place place(PictureMemory.Wanted wanted) {
        int stride = stride(wanted);
        long luma = (long) stride * wanted.lines();
        referenced = true;
        return new PictureMemory.Place(List.of(new Picture.Plane(bytes.asSlice(0, luma), stride),
                new Picture.Plane(bytes.asSlice(luma, luma / 4), stride / 2),
                new Picture.Plane(bytes.asSlice(luma + luma / 4), stride / 2)));
    }

    /** Two planes of chroma of a picture whose luma is elsewhere. */
    List<Picture.Plane> chroma(int stride, int lines) {
        long size = (long) stride * lines;
        referenced = true;
        return List.of(new Picture.Plane(bytes.asSlice(0, size), stride),
                new Picture.Plane(bytes.asSlice(size), stride));
    }

    Picture picture() {
        Picture present = picture;
        if (present == null) throw new IllegalStateException("there is no picture");
        return present;
    }

    long time() {
        return time;
    }

    boolean key() {
        return key;
    }

    /** Whether all of the picture could be decoded. */
    boolean isWhole() {
        return whole;
    }

    /** The decoder has written a picture, which waits now. */
    void show(Picture inIt, long itsTime, boolean isKey, boolean all) {
        picture = inIt;
        time = itsTime;
        key = isKey;
        whole = all;
        waits = true;
    }

    /** Copies a picture, which waits now; its bytes. */
    long take(Picture from, long itsTime, boolean isKey, boolean all) {
        Picture to = Picture.in(bytes, from.format());
        long copied = 0;
        for (int i = 0; i < to.planes().size(); i++) {
            Picture.Plane source = from.planes().get(i);
            Picture.Plane target = to.planes().get(i);
            int lines = from.format().pixels().lines(i, from.format().height());
            int line = from.format().pixels().lineBytes(i, from.format().width());
            for (int y = 0; y < lines; y++)
                MemorySegment.copy(source.bytes(), (long) y * source.stride(), target.bytes(),
                        (long) y * target.stride(), line);
            copied += (long) lines * line;
        }
        show(to, itsTime, isKey, all);
        return copied;
    }

    /** The picture does not wait any more; true if the memory is free now. */
    boolean deliver() {
        waits = false;
        return !referenced;
    }

    /** The decoder does not use it any more; true if the memory is free now. */
    boolean release() {
        referenced = false;
        return !waits;
    }

    /** Frees its memory; on a worker, because that takes time. */
    void free() {
        arena.close();
    }
}
