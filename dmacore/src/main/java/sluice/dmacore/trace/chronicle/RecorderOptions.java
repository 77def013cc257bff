package sluice.dmacore.trace.chronicle;

import java.nio.file.Path;

import sluice.dmacore.trace.recording.Layout;

/**
 * Options of a flight recorder.
 *
 * @param file to create; an existing recording is replaced, any other file is not
 * @param capacity number of events, a power of two from 8 to 2<sup>26</sup>; each takes 64 bytes
 * @param namesBytes size of the area of names, a multiple of 64 up to 4 MiB; a name takes 8 bytes and its UTF-8
 */
public record RecorderOptions(Path file, int capacity, int namesBytes) {
    /** 262,144 events in 16 MiB. */
    public static final int DEFAULT_CAPACITY = 1 << 18;
    /** About 30,000 names of 24 bytes. */
    public static final int DEFAULT_NAMES_BYTES = 1 << 20;

    public RecorderOptions {
        if (capacity < Layout.MIN_CAPACITY || capacity > Layout.MAX_CAPACITY || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("A recording keeps a power of two from " + Layout.MIN_CAPACITY + " to "
                    + Layout.MAX_CAPACITY + " events, but " + capacity + " were asked for.");
        }
        if (namesBytes < 0 || namesBytes > Layout.MAX_NAMES_BYTES || namesBytes % Layout.RECORD_BYTES != 0) {
            throw new IllegalArgumentException("Names take a multiple of " + Layout.RECORD_BYTES + " bytes up to "
                    + Layout.MAX_NAMES_BYTES + ", but " + namesBytes + " were asked for.");
        }
    }

    public static RecorderOptions of(Path file) {
        return new RecorderOptions(file, DEFAULT_CAPACITY, DEFAULT_NAMES_BYTES);
    }

    long fileBytes() {
        return Layout.fileBytes(capacity, namesBytes);
    }
}
