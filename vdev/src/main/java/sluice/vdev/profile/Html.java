package sluice.vdev.profile;

import java.util.Locale;

/** Text of an HTML document; all that is not markup is escaped, because names may come from a guest. */
final class Html {
    private final StringBuilder text = new StringBuilder(1 << 16);

    /** Markup as it is. */
    Html raw(String markup) {
        text.append(markup);
        return this;
    }

    Html say(String words) {
        for (int i = 0; i < words.length(); i++) {
            char c = words.charAt(i);
            switch (c) {
                case '<' -> text.append("&lt;");
                case '>' -> text.append("&gt;");
                case '&' -> text.append("&amp;");
                case '"' -> text.append("&quot;");
                case '\'' -> text.append("&#39;");
                default -> text.append(c);
            }
        }
        return this;
    }

    /** Markup with numbers and other safe words. */
    @SuppressWarnings("AnnotateFormatMethod") // the annotation is of a library that is not shipped
    Html format(String markup, Object... words) {
        text.append(String.format(Locale.ROOT, markup, words));
        return this;
    }

    Html paragraph(String words) {
        return raw("<p>").say(words).raw("</p>\n");
    }

    /** A table's head; the first column is words, the others are numbers. */
    Html table(String... columns) {
        raw("<table><thead><tr>");
        for (String column : columns) raw("<th>").say(column).raw("</th>");
        return raw("</tr></thead><tbody>\n");
    }

    Html row(String... cells) {
        raw("<tr>");
        for (String cell : cells) raw("<td>").say(cell).raw("</td>");
        return raw("</tr>\n");
    }

    Html endTable() {
        return raw("</tbody></table>\n");
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
