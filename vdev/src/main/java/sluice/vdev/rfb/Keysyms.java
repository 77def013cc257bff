package sluice.vdev.rfb;

import sluice.vdev.device.UsKeyboard;

/**
 * Keys by keysym (X11 keysymdef.h), as viewers send them: the key code of Linux (linux/input-event-codes.h) of the key
 * that has this symbol on a US keyboard.
 */
final class Keysyms {
    private static final int FIRST_SPECIAL = 0xff00;
    private static final int UNICODE = 0x0100_0000;
    private static final int MAX_UNICODE = 0x10_ffff;

    /** Pairs of the low byte of a keysym 0xff00 to 0xffff and a key code. */
    private static final int[] SPECIAL = {
            0x08, 14, 0x09, 15, 0x0d, 28, 0x1b, 1, // BackSpace, Tab, Return, Escape
            0x13, 119, 0x14, 70, 0x15, 99, 0x61, 99, // Pause, Scroll_Lock, Sys_Req, Print
            0x50, 102, 0x51, 105, 0x52, 103, 0x53, 106, 0x54, 108, // Home, Left, Up, Right, Down
            0x55, 104, 0x56, 109, 0x57, 107, 0x63, 110, 0xff, 111, // Page_Up, Page_Down, End, Insert, Delete
            0x67, 127, 0x6b, 119, 0x7f, 69, 0x7e, 100, // Menu, Break, Num_Lock, Mode_switch
            0x8d, 96, 0x95, 71, 0x96, 75, 0x97, 72, 0x98, 77, 0x99, 80, // KP_Enter, KP_Home, KP_Left, Up, Right, Down
            0x9a, 73, 0x9b, 81, 0x9c, 79, 0x9d, 76, 0x9e, 82, 0x9f, 83, // KP_Page_Up, Page_Down, End, Begin, Insert, Delete
            0xaa, 55, 0xab, 78, 0xac, 83, 0xad, 74, 0xae, 83, 0xaf, 98, 0xbd, 117, // KP_ * + , - . / =
            0xb0, 82, 0xb1, 79, 0xb2, 80, 0xb3, 81, 0xb4, 75, // KP_0 to KP_4
            0xb5, 76, 0xb6, 77, 0xb7, 71, 0xb8, 72, 0xb9, 73, // KP_5 to KP_9
            0xbe, 59, 0xbf, 60, 0xc0, 61, 0xc1, 62, 0xc2, 63, 0xc3, 64, // F1 to F6
            0xc4, 65, 0xc5, 66, 0xc6, 67, 0xc7, 68, 0xc8, 87, 0xc9, 88, // F7 to F12
            0xe1, 42, 0xe2, 54, 0xe3, 29, 0xe4, 97, 0xe5, 58, // Shift_L, Shift_R, Control_L, Control_R, Caps_Lock
            0xe7, 125, 0xe8, 126, 0xe9, 56, 0xea, 100, 0xeb, 125, 0xec, 126 // Meta, Alt, Super: left, right
    };
    private static final int ISO_LEVEL3_SHIFT = 0xfe03;
    private static final int RIGHT_ALT = 100;
    private static final byte[] SPECIAL_KEYS = new byte[256];

    static {
        for (int i = 0; i < SPECIAL.length; i += 2) SPECIAL_KEYS[SPECIAL[i]] = (byte) SPECIAL[i + 1];
    }

    private Keysyms() {}

    /** The key's code, or {@link UsKeyboard#NO_KEY}. */
    static int key(int keysym) {
        if (keysym == ISO_LEVEL3_SHIFT) return RIGHT_ALT;
        if ((keysym & ~0xff) == FIRST_SPECIAL) return SPECIAL_KEYS[keysym & 0xff];
        return UsKeyboard.key(character(keysym));
    }

    /** Whether the symbol needs shift on a US keyboard. */
    static boolean isShifted(int keysym) {
        return UsKeyboard.isShifted(character(keysym));
    }

    /** A symbol's character: Latin-1 as it is, others above 0x1000000; -1 for none. */
    private static int character(int keysym) {
        if (keysym >= ' ' && keysym <= 0xff) return keysym;
        int unicode = keysym - UNICODE;
        return keysym > UNICODE && unicode <= MAX_UNICODE ? unicode : -1;
    }
}
