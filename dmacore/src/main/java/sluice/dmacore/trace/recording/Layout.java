package sluice.dmacore.trace.recording;

/**
 * The file format of a recording; all numbers are little-endian. A file consists of a header, an area of names, and a
 * ring of records.
 *
 * <pre>
 * header     0  magic, version (int), bytes of a record (int)
 *           16  capacity: records of the ring, a power of two
 *           24  offset and bytes of the names, offset of the records
 *           48  start: nanoseconds of the epoch, and of the recorder's own clock at that moment
 *           64  process id of the recorder
 *          128  claimed: number of the newest record that a writer began
 *          192  lost: events for which there was no record
 *          256  bytes of names in use, names that found no room there
 *          272  1 after an orderly end
 * name       0  number (int), bytes of the name (int), the name in UTF-8
 * record     0  state: 0 never used, n holds the n-th event, -n is being written with it
 *            8  nanoseconds of the recorder's clock
 *           16  from, length, bytes, nanos
 *           48  buffer, attachment, detail (ints), kind and thread (shorts)
 * </pre>
 *
 * <p>A name that does not fit into the area is a record: of kind {@link #NAME_KIND}, {@code buffer} its number, {@code
 * detail} its bytes, up to 32 of them from {@code from} to {@code nanos}. So the newest events have names.
 *
 * <p>Counters changed by many threads have cache lines of their own. The n-th event, counted from 1, is in record
 * {@code (n - 1) mod capacity}. A writer takes a record by exchanging its state for {@code -n}, and only if that holds
 * an older event; so two writers never write one record, and a reader that finds {@code n} before and after its read
 * has read the n-th event.
 */
public final class Layout {
    /** "SLUICEFR". */
    public static final long MAGIC = 0x5246_4543_4955_4c53L;
    public static final int VERSION = 2;
    public static final int RECORD_BYTES = 64;
    public static final int HEADER_BYTES = 4096;

    public static final int MAGIC_AT = 0;
    public static final int VERSION_AT = 8;
    public static final int RECORD_BYTES_AT = 12;
    public static final int CAPACITY_AT = 16;
    public static final int NAMES_OFFSET_AT = 24;
    public static final int NAMES_BYTES_AT = 32;
    public static final int RECORDS_OFFSET_AT = 40;
    public static final int START_EPOCH_NANOS_AT = 48;
    public static final int START_NANO_TIME_AT = 56;
    public static final int PID_AT = 64;
    public static final int CLAIMED_AT = 128;
    public static final int LOST_AT = 192;
    public static final int NAMES_END_AT = 256;
    public static final int NAMES_DROPPED_AT = 264;
    public static final int CLOSED_AT = 272;
    /** Used bytes of the header; the rest is zero. */
    public static final int HEADER_USED = 280;

    /** Header of a name: number and length. */
    public static final int NAME_HEADER_BYTES = 8;
    /** Longer names are truncated. */
    public static final int MAX_NAME_BYTES = 200;
    public static final int MAX_NAMES_BYTES = 4 << 20;
    /** Not a kind of event: the record contains a name. */
    public static final int NAME_KIND = 0xffff;
    /** Bytes of a name in a record. */
    public static final int MAX_NAME_IN_RECORD = 32;

    public static final int MIN_CAPACITY = 8;
    /** 4 GiB of records. */
    public static final int MAX_CAPACITY = 1 << 26;

    public static final int STATE_AT = 0;
    public static final int TIME_AT = 8;
    public static final int FROM_AT = 16;
    public static final int LENGTH_AT = 24;
    public static final int BYTES_AT = 32;
    public static final int NANOS_AT = 40;
    public static final int BUFFER_AT = 48;
    public static final int ATTACHMENT_AT = 52;
    public static final int DETAIL_AT = 56;
    /** Kind in the lower 16 bits; in the upper ones the lower 16 of the id of the thread that recorded the event. */
    public static final int KIND_AT = 60;
    public static final int KIND_MASK = 0xffff;
    public static final int THREAD_SHIFT = 16;

    private Layout() {}

    /** Bytes of a whole file. */
    public static long fileBytes(long capacity, long namesBytes) {
        return recordsOffset(namesBytes) + capacity * RECORD_BYTES;
    }

    /** Offset of the records. */
    public static long recordsOffset(long namesBytes) {
        return HEADER_BYTES + namesBytes;
    }
}
