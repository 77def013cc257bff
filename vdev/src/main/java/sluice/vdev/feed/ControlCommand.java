package sluice.vdev.feed;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.InputSink;
import sluice.vdev.device.UsKeyboard;
import sluice.vdev.input.InputKind;

/** A line of the control socket. */
sealed interface ControlCommand {
    /** The commands, for an answer. */
    String WORDS = "key CODE 0|1, text TEXT, abs X Y [WIDTH HEIGHT], button NAME 0|1, scroll UP [RIGHT], touch FINGER X Y [WIDTH HEIGHT], touch FINGER up, sync";
    /** The longest line in bytes, without its end. */
    int MOST_BYTES = 4096;

    /** A key of a keyboard. */
    record Key(int code, boolean pressed) implements ControlCommand {}

    /**
     * Characters to be typed one after the other.
     *
     * @param characters each has a key of a US keyboard
     */
    record Text(String characters) implements ControlCommand {}

    /** The pointer goes to a pixel of a screen. */
    record Position(int x, int y, int width, int height) implements ControlCommand {}

    /**
     * A button of the pointer.
     *
     * @param bit of {@link InputSink#pointer}
     */
    record Button(int bit, boolean pressed) implements ControlCommand {}

    /** The wheels. */
    record Scroll(int up, int right) implements ControlCommand {}

    /** A finger touches a pixel of a screen, or moves there. */
    record Touch(int finger, int x, int y, int width, int height) implements ControlCommand {}

    /** A finger leaves the screen. */
    record Lift(int finger) implements ControlCommand {}

    /** Answered when the driver has got everything before it. */
    record Sync() implements ControlCommand {}

    /**
     * Parses a line without its end.
     *
     * @throws WrongCommandException it is no command; the message says what to write instead
     */
    static ControlCommand parse(String line) throws WrongCommandException {
        if (line.startsWith("text ")) return new Text(unescape(line.substring("text ".length())));
        List<String> words = List.of(line.strip().split("[ \t]+"));
        int count = words.size() - 1;
        return switch (words.getFirst()) {
            case "key" -> {
                require(count == 2, "key CODE 0|1");
                yield new Key(number(words.get(1), 1, 0xffff), isPressed(words.get(2)));
            }
            case "abs" -> {
                require(count == 2 || count == 4, "abs X Y [WIDTH HEIGHT]");
                int[] at = position(words, 1);
                yield new Position(at[0], at[1], at[2], at[3]);
            }
            case "button" -> {
                require(count == 2, "button left|middle|right|back|forward 0|1");
                yield new Button(button(words.get(1)), isPressed(words.get(2)));
            }
            case "scroll" -> {
                require(count == 1 || count == 2, "scroll UP [RIGHT]");
                yield new Scroll(number(words.get(1), -100, 100), count == 1 ? 0 : number(words.get(2), -100, 100));
            }
            case "touch" -> {
                require((count == 2 && words.get(2).equals("up")) || count == 3 || count == 5,
                        "touch FINGER X Y [WIDTH HEIGHT], or touch FINGER up");
                int finger = number(words.get(1), 0, InputKind.FINGERS - 1);
                if (count == 2) yield new Lift(finger);
                int[] at = position(words, 2);
                yield new Touch(finger, at[0], at[1], at[2], at[3]);
            }
            case "sync" -> {
                require(count == 0, "sync, and nothing after it");
                yield new Sync();
            }
            case "text" -> throw new WrongCommandException("write: text TEXT, with one blank between");
            default -> throw new WrongCommandException("unknown command; the commands are " + WORDS);
        };
    }

    private static void require(boolean right, String usage) throws WrongCommandException {
        if (!right) throw new WrongCommandException("write: " + usage);
    }

    private static int number(String word, int least, int most) throws WrongCommandException {
        try {
            int number = Integer.parseInt(word);
            if (number >= least && number <= most) return number;
        } catch (NumberFormatException e) {
            throw wrongNumber(word, least, most, e);
        }
        throw wrongNumber(word, least, most, null);
    }

    private static WrongCommandException wrongNumber(String word, int least, int most,
            @Nullable Throwable cause) {
        WrongCommandException wrong = new WrongCommandException(
                "\"%s\" is not a number from %d to %d".formatted(printable(word), least, most));
        if (cause != null) wrong.initCause(cause);
        return wrong;
    }

    private static boolean isPressed(String word) throws WrongCommandException {
        return number(word, 0, 1) == 1;
    }

    private static int button(String word) throws WrongCommandException {
        return switch (word) {
            case "left" -> InputSink.LEFT;
            case "middle" -> InputSink.MIDDLE;
            case "right" -> InputSink.RIGHT;
            case "back" -> InputSink.BACK;
            case "forward" -> InputSink.FORWARD;
            default -> throw new WrongCommandException("write: button left|middle|right|back|forward 0|1");
        };
    }

    /** Two numbers and the size of the screen; without a size they are values of the device's axes. */
    private static int[] position(List<String> words, int from) throws WrongCommandException {
        boolean sized = words.size() > from + 2;
        int width = sized ? number(words.get(from + 2), 1, InputKind.POSITIONS) : InputKind.POSITIONS;
        int height = sized ? number(words.get(from + 3), 1, InputKind.POSITIONS) : InputKind.POSITIONS;
        return new int[]{ number(words.get(from), 0, width - 1), number(words.get(from + 1), 0, height - 1), width,
                height };
    }

    private static String unescape(String text) throws WrongCommandException {
        StringBuilder characters = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                if (++i == text.length()) throw new WrongCommandException("a backslash at the end: write \\\\ for one");
                c = escaped(text.charAt(i));
            }
            if (UsKeyboard.key(c) == UsKeyboard.NO_KEY) {
                throw new WrongCommandException(
                        "no key of a US keyboard has character U+%04X; nothing was typed".formatted((int) c));
            }
            characters.append(c);
        }
        return characters.toString();
    }

    private static char escaped(char c) throws WrongCommandException {
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'b' -> '\b';
            case 'e' -> '\u001b';
            case '\\' -> '\\';
            default -> throw new WrongCommandException("write \\n, \\t, \\b, \\e or \\\\ after a backslash");
        };
    }

    /** A word as it may be shown on a terminal. */
    private static String printable(String word) {
        String shown = word.length() > 20 ? word.substring(0, 20) + "..." : word;
        return shown.replaceAll("[^ -~]", "?");
    }
}
