package sluice.vdev.media;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** How a stream says that it ends: by the last bytes of its last unit. A decoder then drains as if it had been told to (dev-decoder.rst). */
public enum EndMark {
    /** It does not, or a stream may go on after it, as after the sequence_end_code of MPEG-2. */
    NONE(""),
    /** A NAL unit of type 11, end of stream (ITU-T H.264 §7.3.2.6). */
    H264("\0\0\1\u000b"),
    /** A NAL unit of type 37, end of bitstream (ITU-T H.265 §7.3.2.7). */
    HEVC("\0\0\1J\1"),
    /** The word "SEND" of the test coding. */
    PLAIN("SEND");

    private static final int MOST_ZEROS = 64;
    /** A character a byte. */
    private final String bytes;

    EndMark(String bytes) {
        this.bytes = bytes;
    }

    /** Bytes of a unit before its mark, 0 if these are zeros only; −1 if it has none. */
    long before(MemorySegment unit) {
        if (bytes.isEmpty()) return -1;
        long at = withoutZeros(unit, unit.byteSize()) - bytes.length();
        if (at < 0) return -1;
        for (int i = 0; i < bytes.length(); i++) {
            if ((byte) bytes.charAt(i) != unit.get(ValueLayout.JAVA_BYTE, at + i)) return -1;
        }
        return withoutZeros(unit, at) == 0 ? 0 : at;
    }

    /** The trailing_zero_8bits of Annex B; the guest can make a unit of many, so few are looked at. */
    private static long withoutZeros(MemorySegment unit, long end) {
        long at = end;
        while (at > 0 && end - at < MOST_ZEROS && unit.get(ValueLayout.JAVA_BYTE, at - 1) == 0)
            at--;
        return at;
    }
}
