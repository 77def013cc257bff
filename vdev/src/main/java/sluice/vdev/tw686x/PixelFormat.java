package sluice.vdev.tw686x;

import org.jspecify.annotations.Nullable;

/** How a picture's pixels lie in memory, two bytes each. Pictures are grey: their chroma is that of no colour. */
enum PixelFormat {
    UYVY(0) {
        @Override
        void put(int luma, byte[] target, int at) {
            target[at] = NO_COLOUR;
            target[at + 1] = (byte) luma;
        }
    },
    RGB565(5) {
        @Override
        void put(int luma, byte[] target, int at) {
            int pixel = luma >>> 3 << 11 | luma >>> 2 << 5 | luma >>> 3;
            target[at] = (byte) pixel;
            target[at + 1] = (byte) (pixel >>> Byte.SIZE);
        }
    },
    YUYV(6) {
        @Override
        void put(int luma, byte[] target, int at) {
            target[at] = (byte) luma;
            target[at + 1] = NO_COLOUR;
        }
    };

    /** Of each. */
    static final int BYTES = 2;
    private static final byte NO_COLOUR = (byte) 0x80;

    private final int number;

    PixelFormat(int number) {
        this.number = number;
    }

    /** The one that a channel's configuration calls so, or null if this card has none such. */
    static @Nullable PixelFormat of(int number) {
        return switch (number) {
            case 0 -> UYVY;
            case 5 -> RGB565;
            case 6 -> YUYV;
            default -> null;
        };
    }

    /** What a channel's configuration calls it. */
    int number() {
        return number;
    }

    /**
     * Writes a pixel.
     *
     * @param luma 0 to 255
     * @param at where in {@code target}
     */
    abstract void put(int luma, byte[] target, int at);
}
