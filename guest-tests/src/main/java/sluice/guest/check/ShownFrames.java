package sluice.guest.check;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import sluice.guest.Machine;
import sluice.guest.NumberedPicture;
import sluice.guest.Picture;

/**
 * Compares the pictures that a GPU shows with those that {@code guest/scanout.c} has drawn, pixel by pixel. The program waits after each
 * frame, so what is on the screen does not change while it is looked at. A line of a picture is what a packet is of a stream.
 */
final class ShownFrames implements Machine.Answers {
    /** The lines of the program that this answers. */
    static final String ASKS = "^SLUICE shown \\d+ \\d+ \\d+$";
    private static final Pattern SHOWN = Pattern.compile("^SLUICE shown (\\d{1,9}) ([1-9]\\d{0,3}) ([1-9]\\d{0,3})$");
    private static final String GO_ON = "go on";
    /** A picture may have been taken for a report, before the frame was shown. */
    private static final int LOOKS = 3;
    private static final int MOST_DIFFERENCES = 3;
    private static final int SHOWN_PIXELS = 4;
    private static final int RGB = 0xff_ffff;

    /** What is on the screen. */
    @FunctionalInterface
    interface Screen {
        Picture take() throws IOException, InterruptedException;
    }

    private final Screen screen;
    private final boolean twice;
    private final List<Picture> drawn = new ArrayList<>();
    private final List<Difference> differences = new ArrayList<>();
    private int rightFrames;
    private long right;
    private long old;
    private long blank;
    private long other;

    /** @param twice whether a page is in each buffer twice */
    ShownFrames(Screen screen, boolean twice) {
        this.screen = screen;
        this.twice = twice;
    }

    @Override
    public String to(String line) throws IOException, InterruptedException {
        Matcher shown = SHOWN.matcher(line);
        if (!shown.matches() || Integer.parseInt(shown.group(1)) != drawn.size() + 1)
            throw new IOException("the program shows frames in no order: " + line);
        NumberedPicture kind = new NumberedPicture(Integer.parseInt(shown.group(2)), Integer.parseInt(shown.group(3)),
                twice);
        drawn.add(kind.picture(drawn.size() + 1));
        look();
        return GO_ON;
    }

    private void look() throws IOException, InterruptedException {
        Picture expected = drawn.getLast();
        Picture shown = screen.take();
        for (int looks = 1; looks < LOOKS && !isRight(expected, shown); looks++) shown = screen.take();
        if (shown.width() != expected.width() || shown.height() != expected.height())
            throw new IOException("the screen shows a %s, and not a %s".formatted(shown, expected));
        int first = -1;
        int wrong = 0;
        for (int line = 0; line < shown.height(); line++) {
            if (isLine(expected, shown, line)) {
                right++;
                continue;
            }
            wrong++;
            if (first < 0) first = line;
            count(shown, line);
        }
        if (wrong == 0) {
            rightFrames++;
        } else if (differences.size() < MOST_DIFFERENCES) {
            differences.add(difference(expected, shown, first, wrong));
        }
    }

    private void count(Picture shown, int line) {
        int from = line * shown.width();
        if (drawn.stream().limit(drawn.size() - 1L).anyMatch(before -> isLine(before, shown, line))) {
            old++;
        } else if (Arrays.stream(shown.argb(), from, from + shown.width()).allMatch(pixel -> (pixel & RGB) == 0)) {
            blank++;
        } else {
            other++;
        }
    }

    private static boolean isRight(Picture expected, Picture shown) {
        if (shown.width() != expected.width() || shown.height() != expected.height()) return false;
        for (int line = 0; line < shown.height(); line++) {
            if (!isLine(expected, shown, line)) return false;
        }
        return true;
    }

    private static boolean isLine(Picture expected, Picture shown, int line) {
        int end = (line + 1) * shown.width();
        for (int at = line * shown.width(); at < end; at++) {
            if (((expected.argb()[at] ^ shown.argb()[at]) & RGB) != 0) return false;
        }
        return true;
    }

    private Difference difference(Picture expected, Picture shown, int line, int lines) {
        int at = line * shown.width();
        while (((expected.argb()[at] ^ shown.argb()[at]) & RGB) == 0)
            at++;
        int end = Math.min(at + SHOWN_PIXELS, shown.argb().length);
        return new Difference(drawn.size() - 1, (long) at * NumberedPicture.PIXEL,
                (long) lines * shown.width() * NumberedPicture.PIXEL, hex(expected, at, end, ".."),
                hex(shown, at, end, "00"));
    }

    /** The bytes of pixels as they are in the buffer; the last of each is not shown. */
    private static String hex(Picture picture, int from, int to, String unseen) {
        StringBuilder text = new StringBuilder();
        for (int at = from; at < to; at++) {
            int pixel = picture.argb()[at];
            text.append("%02x%02x%02x%s".formatted(pixel & 0xff, pixel >> 8 & 0xff, pixel >> 16 & 0xff, unseen));
        }
        return text.toString();
    }

    /** All pictures so far; null if there was none. */
    @Nullable
    Bytes bytes() {
        return drawn.isEmpty()
                ? null
                : new Bytes(drawn.size(), 0, rightFrames, right, old, blank, other, List.copyOf(differences));
    }
}
