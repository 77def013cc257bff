package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureMemory;

/**
 * A CAPTURE buffer at a job. A decoder may write its picture in place, and then reads it as a reference, maybe long after the
 * client has got the buffer back: its memory is held until then, and no picture is written into it.
 */
final class Lent {
    private final MediaBuffer buffer;
    private final FrameLayout layout;
    private final PlaneMemory[] planes;
    private @Nullable Spare chroma;

    /** On the loop: lends the buffer and holds its memory. */
    Lent(MediaBuffer buffer, FrameLayout layout) {
        this.buffer = buffer;
        this.layout = layout;
        planes = new PlaneMemory[buffer.planes()];
        for (int i = 0; i < planes.length; i++) {
            PlaneMemory memory = buffer.memory(i);
            if (memory == null) throw new IllegalStateException("a queued buffer has memory");
            planes[i] = memory;
            memory.hold();
        }
        buffer.lend();
    }

    /** On the loop: the memory is not used any more. */
    void release() {
        for (PlaneMemory plane : planes) plane.letGo();
    }

    MediaBuffer buffer() {
        return buffer;
    }

    FrameLayout layout() {
        return layout;
    }

    // ---- on a worker

    /** Whether its lines have chroma of one color after the other, so that {@link #place} needs memory for it. */
    boolean needsChroma() {
        return layout.raw().interleaved();
    }

    /** Bytes of that. */
    long chromaBytes() {
        return (long) layout.bytesPerLine(0) * layout.height() / 2 + PictureMemory.SLACK;
    }

    /**
     * Memory for a decoder, or null if its library cannot write there: it is not in one piece, or too small.
     *
     * @param own memory for chroma, if that is needed
     */
    PictureMemory.@Nullable Place place(PictureMemory.Wanted wanted, @Nullable Spare own) {
        List<Picture.Plane> places = new ArrayList<>(3);
        for (int i = 0; i < (own == null ? 3 : 1); i++) {
            MemorySegment memory = planes[layout.componentPlane(i)].direct();
            if (memory == null) return null;
            places.add(new Picture.Plane(memory.asSlice(layout.componentOffset(i)), layout.componentStride(i)));
        }
        if (own != null) places.addAll(own.chroma(layout.bytesPerLine(0) / 2, layout.height() / 2));
        chroma = own;
        buffer.setHeld(true);
        return new PictureMemory.Place(places);
    }

    /** Whether a picture with these lines fits. */
    boolean fits(PictureMemory.Wanted wanted) {
        return wanted.width() <= layout.bytesPerLine(0) && wanted.lines() <= layout.height();
    }

    /** The picture is complete in place; false if some of the memory is gone. */
    boolean wrote() {
        boolean all = true;
        for (int i = 0; i < planes.length; i++) all &= planes[i].wrote(layout.size(i));
        return all;
    }

    /** The decoder does not need it any more; returns memory of chroma. */
    @Nullable
    Spare free() {
        buffer.setHeld(false);
        return chroma;
    }
}
