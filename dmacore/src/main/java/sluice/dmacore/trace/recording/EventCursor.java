package sluice.dmacore.trace.recording;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.EventKind;

/**
 * Iterates over the events of a recording, from the oldest to the newest at the time of its creation. For one thread.
 *
 * <p>Each piece of the file is read three times, because writers do not synchronise with readers and a read is not
 * atomic. A record finished in the first read is complete, or newer, in the second; a record unchanged in the third was
 * not overwritten during the second; so the second read is consistent.
 */
public final class EventCursor {
    private static final int PIECE = 1024;
    private static final EventKind[] KINDS = EventKind.values();

    private final Recording recording;
    private final RecordingHeader header;
    private final ByteBuffer before;
    private final ByteBuffer taken;
    private final ByteBuffer after;
    private long next;
    /** Sequence number of the first event of the piece, and of the first after it. */
    private long first;
    private long end;
    private long overwritten;
    private long unfinished;
    private long cutOff;
    private long unknown;
    private long nameRecords;
    /** Receives names among the records; null to skip them. */
    private final @Nullable Map<Integer, String> names;

    /** @param names receives names among the records, or null */
    EventCursor(Recording recording, RecordingHeader header, @Nullable Map<Integer, String> names) {
        this.names = names;
        this.recording = recording;
        this.header = header;
        before = piece(header);
        taken = piece(header);
        after = piece(header);
        next = header.oldest();
        first = next;
        end = next;
        overwritten = next - 1;
    }

    private static ByteBuffer piece(RecordingHeader header) {
        return ByteBuffer.allocateDirect(Math.min(PIECE, header.capacity()) * Layout.RECORD_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * The next event, or null after the last.
     *
     * @throws IOException the file cannot be read; a file that is too short is not an error but counted
     */
    public @Nullable Event next() throws IOException {
        while (next <= header.claimed()) {
            if (next == end) readPiece();
            Event event = take(next);
            next++;
            if (event != null) return event;
        }
        return null;
    }

    /** The events missed so far, including those overwritten before. */
    public Missed missed() {
        return new Missed(overwritten, unfinished, cutOff, unknown);
    }

    /** Number of skipped records that contain names. */
    public long nameRecords() {
        return nameRecords;
    }

    private void readPiece() throws IOException {
        long slot = next - 1 & header.capacity() - 1;
        // Not beyond the newest event, and not around the end of the ring.
        int count = (int) Math.min(PIECE, Math.min(header.claimed() - next + 1, header.capacity() - slot));
        long offset = Layout.recordsOffset(header.namesBytes()) + slot * Layout.RECORD_BYTES;
        read(offset, count, before);
        VarHandle.loadLoadFence();
        read(offset, count, taken);
        VarHandle.loadLoadFence();
        read(offset, count, after);
        first = next;
        end = next + count;
    }

    private void read(long offset, int count, ByteBuffer piece) throws IOException {
        piece.clear().limit(count * Layout.RECORD_BYTES);
        recording.readAt(offset, piece);
        piece.flip();
    }

    private @Nullable Event take(long sequence) {
        int at = (int) (sequence - first) * Layout.RECORD_BYTES;
        int shortest = Math.min(before.limit(), Math.min(taken.limit(), after.limit()));
        if (at + Layout.RECORD_BYTES > shortest) {
            cutOff++;
            return null;
        }
        long earlier = before.getLong(at + Layout.STATE_AT);
        long later = after.getLong(at + Layout.STATE_AT);
        if (earlier != sequence || later != sequence) {
            if (isNewer(earlier, sequence) || isNewer(later, sequence)) {
                overwritten++;
            } else {
                unfinished++;
            }
            return null;
        }
        int kindAndThread = taken.getInt(at + Layout.KIND_AT);
        int kind = kindAndThread & Layout.KIND_MASK;
        if (kind == Layout.NAME_KIND) {
            nameRecords++;
            if (names != null) Names.addRecord(taken, at, names);
            return null;
        }
        if (kind >= KINDS.length) {
            unknown++;
            return null;
        }
        return new Event(sequence, taken.getLong(at + Layout.TIME_AT), KINDS[kind],
                taken.getInt(at + Layout.BUFFER_AT), taken.getInt(at + Layout.ATTACHMENT_AT),
                taken.getInt(at + Layout.DETAIL_AT), taken.getLong(at + Layout.FROM_AT),
                taken.getLong(at + Layout.LENGTH_AT), taken.getLong(at + Layout.BYTES_AT),
                taken.getLong(at + Layout.NANOS_AT), kindAndThread >>> Layout.THREAD_SHIFT);
    }

    /** Whether a record was reused for a later event. */
    private static boolean isNewer(long state, long sequence) {
        return state > sequence || state < -sequence;
    }
}
