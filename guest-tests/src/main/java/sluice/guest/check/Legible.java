package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Makes guest text safe to display. A guest may print escape sequences for the reader's terminal, characters that XML
 * forbids, characters that reorder a line, and any number of lines.
 */
final class Legible {
    private static final int MOST_LINES = 1000;
    private static final int MOST_CHARACTERS = 2000;
    private static final int REPLACEMENT = 0xfffd;
    private static final int CONTROL_PICTURES = 0x2400;
    private static final int DELETE = 0x7f;
    private static final int DELETE_PICTURE = 0x2421;

    private Legible() {}

    /**
     * One line without control characters: a line end becomes a space, others their symbols. Long lines are truncated.
     */
    static String line(String text) {
        return cut(text.strip()).codePoints().map(c -> c == '\n' || c == '\r' || c == '\t' ? ' ' : shown(c))
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }

    /**
     * The last lines of a console, each one safe to display; tabs are kept. A first line gives the number of omitted
     * lines.
     */
    static List<String> console(List<String> lines) {
        List<String> last = lines.subList(Math.max(0, lines.size() - MOST_LINES), lines.size());
        List<String> shown = new ArrayList<>();
        if (last.size() < lines.size()) shown.add("[%d lines left out]".formatted(lines.size() - last.size()));
        for (String line : last) {
            shown.add(cut(line.stripTrailing()).codePoints().map(c -> c == '\t' ? c : shown(c))
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString());
        }
        return shown;
    }

    /** JSON in which only escapes stand for characters that {@link #line} would not let pass. A reader gets the same strings. */
    static String json(String json) {
        return json.codePoints()
                .mapToObj(c -> c == '\n' || shown(c) == c ? Character.toString(c) : escaped(c))
                .collect(Collectors.joining());
    }

    private static String escaped(int c) {
        return Character.toString(c).chars().mapToObj("\\u%04x"::formatted).collect(Collectors.joining());
    }

    private static String cut(String text) {
        if (text.length() <= MOST_CHARACTERS) return text;
        int end = text.offsetByCodePoints(0, text.codePointCount(0, MOST_CHARACTERS));
        return "%s… [%d characters left out]".formatted(text.substring(0, end), text.length() - end);
    }

    private static int shown(int c) {
        if (c < ' ') return CONTROL_PICTURES + c;
        if (c == DELETE) return DELETE_PICTURE;
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.SURROGATE, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
                REPLACEMENT;
            // Characters that reorder or hide text, and the byte order mark. Joiners are needed by scripts.
            case Character.FORMAT -> c == 0x200c || c == 0x200d ? c : REPLACEMENT;
            default -> c >= 0xfffe && (c & 0xfffe) == 0xfffe ? REPLACEMENT : c;
        };
    }
}
