package sluice.dmacore.trace.recording;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * The names of a recording's numbers.
 *
 * @param byNumber the latest name of each number
 * @param isDamaged whether the names are truncated or corrupt; those before are valid
 */
public record Names(Map<Integer, String> byNumber, boolean isDamaged) {
    public Names {
        byNumber = Map.copyOf(byNumber);
    }

    /** @param area the area of names, little-endian: the rest of the buffer */
    static Names of(ByteBuffer area, boolean isCutOff) {
        Map<Integer, String> found = new HashMap<>();
        while (area.remaining() >= Layout.NAME_HEADER_BYTES) {
            int number = area.getInt();
            int length = area.getInt();
            if (number <= 0 || length < 0 || length > Layout.MAX_NAME_BYTES || length > area.remaining()) {
                return new Names(found, true);
            }
            byte[] text = new byte[length];
            area.get(text);
            // What is not UTF-8 becomes replacement characters.
            found.put(number, printable(new String(text, StandardCharsets.UTF_8)));
        }
        return new Names(found, isCutOff || area.hasRemaining());
    }

    /** Adds the name in a record. */
    static void addRecord(ByteBuffer records, int at, Map<Integer, String> names) {
        int number = records.getInt(at + Layout.BUFFER_AT);
        int length = records.getInt(at + Layout.DETAIL_AT);
        if (number <= 0 || length < 0 || length > Layout.MAX_NAME_IN_RECORD) return;
        byte[] text = new byte[length];
        records.get(at + Layout.FROM_AT, text);
        names.put(number, printable(new String(text, StandardCharsets.UTF_8)));
    }

    /** These names and later ones. */
    Names with(Map<Integer, String> later) {
        Map<Integer, String> all = new HashMap<>(byNumber);
        all.putAll(later);
        return new Names(all, isDamaged);
    }

    /** Names may come from guests; control characters are replaced by question marks. */
    private static String printable(String name) {
        StringBuilder clean = new StringBuilder(name.length());
        name.codePoints().map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }

    /** The name of a number, or null. */
    public @Nullable String find(int number) {
        return byNumber.get(number);
    }

    /** A name, or {@code #number}. */
    public String of(int number) {
        return byNumber.getOrDefault(number, "#" + number);
    }
}
