package sluice.vdev.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;

/** A decoded picture for which there was no CAPTURE buffer yet, in memory of our own. */
final class Spare implements Outcome {
    private final Arena arena = Arena.ofShared();
    private final Picture picture;
    private long time;
    private boolean key;

    /** Allocates memory for one; on a worker. */
    Spare(PictureFormat format) {
        picture = Picture.allocate(format, arena);
    }

    Picture picture() {
        return picture;
    }

    long time() {
        return time;
    }

    boolean key() {
        return key;
    }

    /** Takes a picture of the same format. */
    void take(Picture from, long itsTime, boolean isKey) {
        time = itsTime;
        key = isKey;
        for (int i = 0; i < picture.planes().size(); i++) {
            Picture.Plane source = from.planes().get(i);
            Picture.Plane target = picture.planes().get(i);
            int lines = from.format().pixels().lines(i, from.format().height());
            int bytes = from.format().pixels().lineBytes(i, from.format().width());
            for (int line = 0; line < lines; line++)
                MemorySegment.copy(source.bytes(), (long) line * source.stride(), target.bytes(),
                        (long) line * target.stride(), bytes);
        }
    }

    /** Frees its memory; on a worker, because that takes time. */
    void free() {
        arena.close();
    }
}
