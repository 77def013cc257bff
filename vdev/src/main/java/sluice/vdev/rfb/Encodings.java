package sluice.vdev.rfb;

/** What a viewer can receive, from its list of encodings (RFC 6143 §7.7, and rfbproto.rst for the others). */
final class Encodings {
    static final int RAW = 0;
    static final int ZRLE = 16;
    static final int DESKTOP_SIZE = -223;
    static final int CURSOR = -239;
    static final int EXTENDED_DESKTOP_SIZE = -308;
    static final int CURSOR_WITH_ALPHA = -314;

    private int pixels = RAW;
    private boolean arePixelsChosen;
    private boolean hasDesktopSize;
    private boolean hasExtendedDesktopSize;
    private boolean hasCursor;
    private boolean hasAlphaCursor;

    /** A new list begins, which replaces the old one. */
    void clear() {
        pixels = RAW;
        arePixelsChosen = false;
        hasDesktopSize = false;
        hasExtendedDesktopSize = false;
        hasCursor = false;
        hasAlphaCursor = false;
    }

    /** The next one of the list; the first one for pixels that we have is preferred. */
    void add(int encoding) {
        switch (encoding) {
            case RAW, ZRLE -> {
                if (!arePixelsChosen) pixels = encoding;
                arePixelsChosen = true;
            }
            case DESKTOP_SIZE -> hasDesktopSize = true;
            case EXTENDED_DESKTOP_SIZE -> hasExtendedDesktopSize = true;
            case CURSOR -> hasCursor = true;
            case CURSOR_WITH_ALPHA -> hasAlphaCursor = true;
            default -> {
                // One of many that others have.
            }
        }
    }

    /** {@link #RAW} or {@link #ZRLE}. */
    int pixels() {
        return pixels;
    }

    boolean canResize() {
        return hasDesktopSize || hasExtendedDesktopSize;
    }

    boolean hasExtendedDesktopSize() {
        return hasExtendedDesktopSize;
    }

    /** Whether the viewer draws the cursor; otherwise it is part of the picture. */
    boolean drawsCursor() {
        return hasCursor || hasAlphaCursor;
    }

    boolean hasAlphaCursor() {
        return hasAlphaCursor;
    }
}
