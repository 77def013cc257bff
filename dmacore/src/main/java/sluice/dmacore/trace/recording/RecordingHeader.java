package sluice.dmacore.trace.recording;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * The header of a recording, as it was at one moment.
 *
 * @param capacity events that the ring holds at most; a power of two
 * @param namesBytes size of the area of names
 * @param startEpochNanos wall clock at the start, in nanoseconds since 1970
 * @param startNanoTime the recorder's own clock at that moment
 * @param pid process that recorded
 * @param claimed sequence number of the newest event, 0 if there is none
 * @param lost lost events: before the file was mapped, or when a record was still being written a whole round later
 * @param namesEnd bytes of names
 * @param namesDropped names that did not fit into the area and are among the records
 * @param isClosed whether the recorder was closed normally; false while it runs, or if it was killed
 */
public record RecordingHeader(int capacity, int namesBytes, long startEpochNanos, long startNanoTime, long pid,
        long claimed, long lost, long namesEnd, long namesDropped, boolean isClosed) {

    /** More than can be recorded; the counter cannot overflow. */
    private static final long MOST_EVENTS = 1L << 62;

    /** @param header {@link Layout#HEADER_USED} bytes, little-endian */
    static RecordingHeader of(Path file, ByteBuffer header) throws RecordingException {
        require(file, header.getLong(Layout.MAGIC_AT) == Layout.MAGIC,
                "is not a recording: it does not begin with \"SLUICEFR\"");
        int version = header.getInt(Layout.VERSION_AT);
        require(file, version == Layout.VERSION, "has version " + version + ", and this reader knows version "
                + Layout.VERSION + ": read it with the Sluice that wrote it");
        int recordBytes = header.getInt(Layout.RECORD_BYTES_AT);
        require(file, recordBytes == Layout.RECORD_BYTES, "is damaged: its records have " + recordBytes
                + " bytes, and those of version 1 have " + Layout.RECORD_BYTES);
        long capacity = header.getLong(Layout.CAPACITY_AT);
        require(file, isCapacity(capacity), "is damaged: a ring has a power of two from " + Layout.MIN_CAPACITY + " to "
                + Layout.MAX_CAPACITY + " records, but its header says " + capacity);
        long names = header.getLong(Layout.NAMES_BYTES_AT);
        require(file, names >= 0 && names <= Layout.MAX_NAMES_BYTES && names % Layout.RECORD_BYTES == 0,
                "is damaged: names take a multiple of " + Layout.RECORD_BYTES + " bytes up to " + Layout.MAX_NAMES_BYTES
                        + ", but its header says " + names);
        require(file, header.getLong(Layout.NAMES_OFFSET_AT) == Layout.HEADER_BYTES
                && header.getLong(Layout.RECORDS_OFFSET_AT) == Layout.recordsOffset(names),
                "is damaged: its header contradicts itself about where names and records are");
        long claimed = header.getLong(Layout.CLAIMED_AT);
        require(file, claimed >= 0 && claimed <= MOST_EVENTS, "is damaged: its header counts " + claimed + " events");
        return new RecordingHeader((int) capacity, (int) names, header.getLong(Layout.START_EPOCH_NANOS_AT),
                header.getLong(Layout.START_NANO_TIME_AT), header.getLong(Layout.PID_AT), claimed,
                header.getLong(Layout.LOST_AT), header.getLong(Layout.NAMES_END_AT),
                header.getLong(Layout.NAMES_DROPPED_AT), header.getLong(Layout.CLOSED_AT) == 1);
    }

    private static void require(Path file, boolean holds, String otherwise) throws RecordingException {
        if (!holds) throw new RecordingException(file, otherwise);
    }

    private static boolean isCapacity(long capacity) {
        return capacity >= Layout.MIN_CAPACITY && capacity <= Layout.MAX_CAPACITY && Long.bitCount(capacity) == 1;
    }

    /** Sequence number of the oldest event that may still be in the ring; 1 or more. */
    public long oldest() {
        return Math.max(1, claimed - capacity + 1);
    }

    /** Nanoseconds from the start of the recording to a moment of its clock; negative for one before. */
    public long sinceStart(long nanoTime) {
        return nanoTime - startNanoTime;
    }
}
