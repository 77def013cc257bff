package sluice.vdev.device;

/**
 * The keys of a US keyboard, by which a guest with that layout gets a character. Key codes are those of Linux
 * (linux/input-event-codes.h).
 */
public final class UsKeyboard {
    /** KEY_LEFTSHIFT. */
    public static final int LEFT_SHIFT = 42;
    /** No key has the character. */
    public static final int NO_KEY = 0;

    /** The characters of each row of keys without and with shift, and the code of the first; codes go up by one. */
    private static final String[][] ROWS = {
            { "1234567890-=", "!@#$%^&*()_+" }, { "qwertyuiop[]", "QWERTYUIOP{}" },
            { "asdfghjkl;'`", "ASDFGHJKL:\"~" }, { "\\zxcvbnm,./", "|ZXCVBNM<>?" } };
    private static final int[] FIRST_CODES = { 2, 16, 30, 43 };
    private static final String ALONE = "\u001b\b\t\n ";
    private static final int[] CODES_ALONE = { 1, 14, 15, 28, 57 };

    /** By character: the key code, and {@link #SHIFTED}. */
    private static final short[] KEYS = new short[128];
    private static final int SHIFTED = 1 << 8;

    static {
        for (int row = 0; row < ROWS.length; row++) {
            for (int level = 0; level < 2; level++) {
                String characters = ROWS[row][level];
                for (int i = 0; i < characters.length(); i++)
                    KEYS[characters.charAt(i)] = (short) (FIRST_CODES[row] + i + level * SHIFTED);
            }
        }
        for (int i = 0; i < CODES_ALONE.length; i++) KEYS[ALONE.charAt(i)] = (short) CODES_ALONE[i];
    }

    private UsKeyboard() {}

    /**
     * The key of a character: printable ASCII, escape, backspace, tab and newline.
     *
     * @param character a Unicode code point
     * @return its key code, or {@link #NO_KEY}
     */
    public static int key(int character) {
        return character < 0 || character >= KEYS.length ? NO_KEY : KEYS[character] & (SHIFTED - 1);
    }

    /** Whether the key needs shift for this character. */
    public static boolean isShifted(int character) {
        return character >= 0 && character < KEYS.length && (KEYS[character] & SHIFTED) != 0;
    }
}
