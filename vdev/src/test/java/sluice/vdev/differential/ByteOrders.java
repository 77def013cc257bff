package sluice.vdev.differential;

import java.util.Map;

/** The eight formats by their names: the order of the bytes in memory (virtio 1.3, 5.7.6.8). */
final class ByteOrders {
    private static final Map<Integer, String> CHANNELS = Map.of(1, "BGRA", 2, "BGRX", 3, "ARGB", 4, "XRGB", 67, "RGBA",
            68, "XBGR", 121, "ABGR", 134, "RGBX");
    private static final String DISPLAY = "BGRA";

    private ByteOrders() {}

    /** A pixel of a format with its bytes put in the order B, G, R, A; the first byte is the lowest. */
    static int toDisplay(int format, int pixel) {
        String channels = CHANNELS.get(format);
        if (channels == null) {
            throw new IllegalArgumentException("there is no format " + format);
        }
        int turned = 0;
        for (int i = 0; i < Integer.BYTES; i++) {
            char channel = channels.charAt(i) == 'X' ? 'A' : channels.charAt(i);
            turned |= (pixel >>> (8 * i) & 0xff) << (8 * DISPLAY.indexOf(channel));
        }
        return turned;
    }
}
