package sluice.vdev.trace;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.recording.Layout;

/** Recordings of a process that never was, with times that are known: what tests look at, and fuzzing begins with. */
public final class RecordingBytes implements TraceSink {
    /** 2026-11-21 06:00:00 UTC. */
    private static final long START_EPOCH_NANOS = 1_795_240_800_000_000_000L;
    private static final long START_NANO_TIME = 5_000;
    private static final int MICRO = 1000;
    private static final int PID = 4711;

    private final int capacity;
    private final int namesBytes;
    private final ByteArrayOutputStream names = new ByteArrayOutputStream();
    private final List<byte[]> records = new ArrayList<>();
    private long now = START_NANO_TIME;

    public RecordingBytes(int capacity, int namesBytes) {
        this.capacity = capacity;
        this.namesBytes = namesBytes;
    }

    /** Lets the clock go on before the next event. */
    public RecordingBytes after(long micros) {
        now += micros * MICRO;
        return this;
    }

    @Override
    public boolean isOn() {
        return true;
    }

    @Override
    public void name(int number, String name) {
        byte[] text = name.getBytes(StandardCharsets.UTF_8);
        names.writeBytes(little(Layout.NAME_HEADER_BYTES).putInt(number).putInt(text.length).array());
        names.writeBytes(text);
    }

    @Override
    @SuppressWarnings("EnumOrdinal") // the numbers of recordings are the ordinals
    public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
            long nanos, long ended) {
        records.add(little(Layout.RECORD_BYTES).putLong(records.size() + 1L).putLong(ended == NOW ? now : ended)
                .putLong(from).putLong(length)
                .putLong(bytes).putLong(nanos).putInt(buffer).putInt(attachment).putInt(detail)
                .putInt(kind.ordinal()).array());
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The whole file. */
    public byte[] file() {
        byte[] all = new byte[(int) Layout.fileBytes(capacity, namesBytes)];
        ByteBuffer file = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(Layout.MAGIC_AT, Layout.MAGIC).putInt(Layout.VERSION_AT, Layout.VERSION)
                .putInt(Layout.RECORD_BYTES_AT, Layout.RECORD_BYTES).putLong(Layout.CAPACITY_AT, capacity)
                .putLong(Layout.NAMES_OFFSET_AT, Layout.HEADER_BYTES).putLong(Layout.NAMES_BYTES_AT, namesBytes)
                .putLong(Layout.RECORDS_OFFSET_AT, Layout.recordsOffset(namesBytes))
                .putLong(Layout.START_EPOCH_NANOS_AT, START_EPOCH_NANOS)
                .putLong(Layout.START_NANO_TIME_AT, START_NANO_TIME).putLong(Layout.PID_AT, PID)
                .putLong(Layout.CLAIMED_AT, records.size()).putLong(Layout.NAMES_END_AT, names.size())
                .putLong(Layout.CLOSED_AT, 1);
        file.put(Layout.HEADER_BYTES, names.toByteArray());
        for (int i = 0; i < records.size(); i++) {
            int at = (int) Layout.recordsOffset(namesBytes) + i % capacity * Layout.RECORD_BYTES;
            file.put(at, records.get(i));
        }
        return all;
    }

    /** A file without the zeros that fill its header up. */
    public static byte[] shortened(byte[] file) {
        byte[] input = Arrays.copyOf(file, file.length - Layout.HEADER_BYTES + Layout.HEADER_USED);
        System.arraycopy(file, Layout.HEADER_BYTES, input, Layout.HEADER_USED, file.length - Layout.HEADER_BYTES);
        return input;
    }

    /** The opposite of {@link #shortened}, for any bytes. */
    public static byte[] lengthened(byte[] input) {
        if (input.length <= Layout.HEADER_USED) return input;
        byte[] file = new byte[input.length - Layout.HEADER_USED + Layout.HEADER_BYTES];
        System.arraycopy(input, 0, file, 0, Layout.HEADER_USED);
        System.arraycopy(input, Layout.HEADER_USED, file, Layout.HEADER_BYTES, input.length - Layout.HEADER_USED);
        return file;
    }
}
