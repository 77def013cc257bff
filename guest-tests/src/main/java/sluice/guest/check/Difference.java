package sluice.guest.check;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a buffer first differs from what it should hold, as the guest's program prints it.
 *
 * @param frame of the cell, from 0 on
 * @param offset of the first wrong byte
 * @param length of the wrong lines or packets from there on, in bytes
 * @param expected the first bytes in hexadecimal; dots for those that follow from a number that nothing in the buffer tells
 * @param found the same bytes as they are
 */
record Difference(int frame, long offset, long length, String expected, String found) {
    private static final int MOST = 3;
    private static final Pattern LINE = Pattern.compile(
            "^SLUICE diff frame (\\d{1,9}) offset (\\d{1,10}) length (\\d{1,10}) expected ([0-9a-f.]{2,64}) found ([0-9a-f]{2,64})$");

    /** Those among the lines of a program, three at most. */
    static List<Difference> among(List<String> lines) {
        List<Difference> found = new ArrayList<>();
        for (String line : lines) {
            Matcher said = LINE.matcher(line);
            if (!said.matches()) continue;
            found.add(new Difference(Integer.parseInt(said.group(1)), Long.parseLong(said.group(2)),
                    Long.parseLong(said.group(3)), said.group(4), said.group(5)));
            if (found.size() == MOST) break;
        }
        return found;
    }

    /** Which bytes, in a clause. */
    String where() {
        return "frame %d, %s from 0x%x on".formatted(frame, FindingText.counted(length, "byte"), offset);
    }

    /** All of it, in a line. */
    String sentence() {
        return "%s: expected %s, found %s".formatted(where(), expected, found);
    }
}
