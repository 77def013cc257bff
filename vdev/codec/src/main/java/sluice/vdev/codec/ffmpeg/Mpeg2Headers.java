package sluice.vdev.codec.ffmpeg;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Headers of MPEG-2 video (ISO/IEC 13818-2 §6.2). */
final class Mpeg2Headers {
    private static final int START = 1;
    private static final int PICTURE = 0x00;
    private static final int SEQUENCE = 0xb3;
    private static final int CODE_BYTES = 4;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Mpeg2Headers() {}

    /** Width, height, aspect ratio and frame rate of the sequence header before a picture, as coded; 0 if there is none. */
    static int sequence(MemorySegment unit) {
        for (long at = 0; at + 2 * CODE_BYTES <= unit.byteSize(); at++) {
            int code = unit.get(INT, at);
            if (code >>> Byte.SIZE != START) continue;
            if ((code & 0xff) == PICTURE) return 0;
            if ((code & 0xff) == SEQUENCE) return unit.get(INT, at + CODE_BYTES);
        }
        return 0;
    }
}
