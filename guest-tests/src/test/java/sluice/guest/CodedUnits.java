package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A stream in pieces of one coded picture each, which a stateful decoder takes one a buffer. */
record CodedUnits(List<byte[]> units) {
    /** NAL unit type 9 (ITU-T H.264, table 7-1). */
    private static final int DELIMITER = 9;
    private static final int NAL_TYPES = 0x1f;
    /** What v4l2-ctl and v4l2-compliance expect before each unit: this, and its length, big-endian. */
    private static final byte[] HEADER = "rdhV".getBytes(StandardCharsets.US_ASCII);

    /** A stream of Annex B whose access units all begin with a delimiter. */
    static CodedUnits h264(byte[] stream) {
        List<Integer> begins = new ArrayList<>();
        for (int at : starts(stream)) {
            // The delimiter's start code has a fourth byte.
            if ((stream[at + 3] & NAL_TYPES) == DELIMITER) begins.add(at - 1);
        }
        return new CodedUnits(cut(stream, begins));
    }

    private static List<Integer> starts(byte[] stream) {
        List<Integer> starts = new ArrayList<>();
        for (int i = 0; i + 3 < stream.length; i++) {
            if (stream[i] == 0 && stream[i + 1] == 0 && stream[i + 2] == 1) starts.add(i);
        }
        return starts;
    }

    private static List<byte[]> cut(byte[] stream, List<Integer> begins) {
        List<byte[]> units = new ArrayList<>();
        for (int i = 0; i < begins.size(); i++)
            units.add(Arrays.copyOfRange(stream, begins.get(i),
                    i + 1 < begins.size() ? begins.get(i + 1) : stream.length));
        return units;
    }

    /** Writes them as {@code --stream-from-hdr} reads them. */
    void write(Path file) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] unit : units) {
            all.writeBytes(HEADER);
            all.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(unit.length).array());
            all.writeBytes(unit);
        }
        Files.write(file, all.toByteArray());
    }
}
