package sluice.vdev.codec;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Memory of the caller, into which a decoder writes its pictures, so that none is copied: a buffer of a guest, a window that is
 * shared with it. Called by the thread that calls the decoder.
 */
public interface PictureMemory {
    /** The alignment of the first byte of each plane, and of the distance of its lines, in bytes. */
    int ALIGNMENT = 64;
    /** What a decoder may read, but does not write, behind the last line of the last plane, in bytes. */
    int SLACK = 12 << 10;

    /**
     * A picture that is about to be decoded.
     *
     * @param format of what is shown of it: {@link PixelFormat#YU12}
     * @param width of a line of luma that is written, in bytes: at least that of the format
     * @param lines of luma that are written, even; chroma has half of both
     * @param pictures the most that the decoder keeps at once in this stream: references, those that are shown later, and the
     *        one that it writes
     */
    record Wanted(PictureFormat format, int width, int lines, int pictures) {}

    /**
     * Memory for a picture, identified by where its first plane begins.
     *
     * @param planes of luma, Cb and Cr, native and aligned, not necessarily one after the other
     */
    record Place(List<Picture.Plane> planes) {
        public Place {
            planes = List.copyOf(planes);
        }

        /** Address of its first byte. */
        public long address() {
            return planes.getFirst().bytes().address();
        }
    }

    /**
     * Gives memory for a picture. The decoder writes it, and reads it as a reference, until {@link #release}, which may be long
     * after the picture was given to the sink. That is at its first byte, unless the stream cuts off pixels above or on the left.
     *
     * @return null if there is none, which fails the unit; what was decoded before can still be drained
     */
    @Nullable
    Place take(Wanted picture);

    /**
     * The decoder does not need the picture any more.
     *
     * @param place as {@link #take} gave it
     */
    void release(Place place);
}
