package sluice.guest.check;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * The content of the dequeued buffers as seen by user space, packet by packet.
 *
 * @param frames dequeued buffers
 * @param failed of those, the ones with the error flag
 * @param rightFrames of those, the ones with only right bytes
 * @param right packets with the newest data
 * @param old packets of an earlier buffer: stale, the device's writes did not arrive
 * @param wiped packets with the program's fill pattern: the device's writes did not arrive
 * @param other all other packets, such as torn ones
 * @param differences where the first wrong buffers are wrong
 */
record Bytes(int frames, int failed, int rightFrames, long right, long old, long wiped, long other,
        List<Difference> differences) {
    private static final Pattern LINE = Pattern.compile(
            "^SLUICE stream \\S+ frames (\\d{1,9}) failed (\\d{1,9}) right (\\d{1,9}) packets right (\\d{1,18}) old (\\d{1,18})"
                    + " wiped (\\d{1,18}) other (\\d{1,18})$");

    /** Without differences, or with ones that nobody has looked for. */
    Bytes(int frames, int failed, int rightFrames, long right, long old, long wiped, long other) {
        this(frames, failed, rightFrames, right, old, wiped, other, List.of());
    }

    /** What a program in the guest has said in one of its lines; null if it has not. */
    static @Nullable Bytes among(List<String> lines) {
        for (String line : lines) {
            Matcher said = LINE.matcher(line);
            if (!said.matches()) continue;
            return new Bytes(Integer.parseInt(said.group(1)), Integer.parseInt(said.group(2)),
                    Integer.parseInt(said.group(3)), Long.parseLong(said.group(4)), Long.parseLong(said.group(5)),
                    Long.parseLong(said.group(6)), Long.parseLong(said.group(7)), Difference.among(lines));
        }
        return null;
    }

    /** Whether all of them were right. */
    boolean areRight() {
        return frames > 0 && failed == 0 && rightFrames == frames && old + wiped + other == 0;
    }

    /** As a clause. */
    String sentence() {
        return "%d of %d buffers right%s; packets: %d right, %d old, %d not written, %d broken".formatted(rightFrames,
                frames, failed == 0 ? "" : ", %d failed".formatted(failed), right, old, wiped, other);
    }
}
