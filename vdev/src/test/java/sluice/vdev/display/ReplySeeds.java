package sluice.vdev.display;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;

/** Displays to begin fuzzing with: QEMU's, one without EDID, and some that lie. */
final class ReplySeeds {
    private static final int FEATURES = DisplayRequest.GET_PROTOCOL_FEATURES;
    private static final int INFO = DisplayRequest.GET_DISPLAY_INFO;
    private static final int EDID = DisplayRequest.GET_EDID;
    private static final int INFO_BYTES = 408;
    private static final int EDID_BYTES = 1056;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** A display that is asked {@code pairs} times, and sends in pieces of {@code 1 + 8 × piece} bytes. */
    private ReplySeeds(int pairs, int piece) {
        bytes.write(pairs);
        bytes.write(piece);
    }

    static Map<String, byte[]> all() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("all-answers", new ReplySeeds(1, 255).say(FEATURES, 4, 8, 1).say(INFO, 4, INFO_BYTES, 0)
                .say(EDID, 4, EDID_BYTES, 0).say(FEATURES, 4, 8, 1).seed());
        seeds.put("in-small-pieces", new ReplySeeds(1, 1).say(FEATURES, 4, 8, 1).say(INFO, 4, INFO_BYTES, 0).seed());
        seeds.put("no-edid", new ReplySeeds(2, 255).say(FEATURES, 4, 8, 0).say(INFO, 4, INFO_BYTES, 0)
                .say(INFO, 4, INFO_BYTES, 0).seed());
        seeds.put("no-edid-for-this-output", new ReplySeeds(1, 255).say(FEATURES, 4, 8, 1)
                .say(INFO, 4, INFO_BYTES, 0).say(FEATURES, 4, 8, 1).seed());
        seeds.put("an-answer-nobody-asked-for", new ReplySeeds(0, 255).say(FEATURES, 4, 8, 1).say(EDID, 4, 0, 0)
                .seed());
        seeds.put("an-answer-of-another-size", new ReplySeeds(1, 255).say(FEATURES, 4, 9, 1).seed());
        seeds.put("a-question", new ReplySeeds(1, 255).say(FEATURES, 0, 8, 1).seed());
        seeds.put("a-body-too-long", new ReplySeeds(1, 255).say(FEATURES, 4, 5000, 1).seed());
        seeds.put("silence", new ReplySeeds(3, 0).seed());
        return seeds;
    }

    private ReplySeeds say(int number, int flags, int size, int first) {
        ByteBuffer message = ByteBuffer.allocate(12 + Math.min(size, EDID_BYTES)).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number).putInt(flags).putInt(size);
        if (message.hasRemaining()) message.put((byte) first);
        bytes.writeBytes(message.array());
        return this;
    }

    private byte[] seed() {
        return bytes.toByteArray();
    }
}
