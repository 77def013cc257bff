package sluice.vdev.tw686x;

import org.jspecify.annotations.Nullable;

/** Pixel formats of two bytes per pixel. Pictures are grey, with neutral chroma. */
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

    /** The format of a channel's configuration value, or null if unsupported. */
    static @Nullable PixelFormat of(int number) {
        return switch (number) {
            case 0 -> UYVY;
            case 5 -> RGB565;
            case 6 -> YUYV;
            default -> null;
        };
    }

    /** The value in a channel's configuration. */
    int number() {
        return number;
    }

    /**
     * Writes a pixel.
     *
     * @param luma 0 to 255
     * @param at offset in {@code target}
     */
    abstract void put(int luma, byte[] target, int at);
}
