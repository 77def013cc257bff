package sluice.dmacore.trace.chronicle;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.PointerBytesStore;

import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.recording.Layout;

/**
 * The names of a mapped recording: appended to the area, and counted in the header when complete; stored in records of
 * the ring when the area is full. For one thread at a time.
 */
final class NameArea {
    private final MemorySegment mapping;
    private final PointerBytesStore store;
    private final Bytes<?> cursor;
    private final Ring ring;
    private long dropped;

    NameArea(MemorySegment mapping, PointerBytesStore store, RecorderOptions options, Ring ring) {
        this.ring = ring;
        this.mapping = mapping;
        this.store = store;
        cursor = store.bytesForWrite();
        // Guarded by the recorder's lock.
        cursor.singleThreadedCheckDisabled(true);
        cursor.writePosition(Layout.HEADER_BYTES);
        cursor.writeLimit(Layout.recordsOffset(options.namesBytes()));
    }

    void append(int number, String name) {
        try {
            byte[] text = utf8(name, Layout.MAX_NAME_BYTES);
            if (cursor.writeRemaining() < Layout.NAME_HEADER_BYTES + text.length) {
                dropped++;
                store.writeOrderedLong(Layout.NAMES_DROPPED_AT, dropped);
                asRecord(number, utf8(name, Layout.MAX_NAME_IN_RECORD));
            } else {
                cursor.writeInt(number).writeInt(text.length).write(text);
                store.writeOrderedLong(Layout.NAMES_END_AT, cursor.writePosition() - Layout.HEADER_BYTES);
            }
        } finally {
            Reference.reachabilityFence(mapping);
        }
    }

    private void asRecord(int number, byte[] text) {
        ByteBuffer words = ByteBuffer.allocate(Layout.MAX_NAME_IN_RECORD).order(ByteOrder.LITTLE_ENDIAN).put(0, text);
        ring.write(Layout.NAME_KIND, number, 0, text.length, words.getLong(), words.getLong(), words.getLong(),
                words.getLong(), TraceSink.NOW);
    }

    /** At most {@code limit} bytes, without partial characters. */
    private static byte[] utf8(String name, int most) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        if (text.length <= most) return text;
        int end = most;
        while ((text[end] & 0xc0) == 0x80)
            end--;
        return Arrays.copyOf(text, end);
    }
}
