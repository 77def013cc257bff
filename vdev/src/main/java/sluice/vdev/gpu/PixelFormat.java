package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/**
 * The pixel formats of the 2D commands (virtio 1.3 §5.7.6.8, enum virtio_gpu_formats): four bytes a pixel, named in the
 * order of the bytes in memory. Pictures are stored as B8G8R8X8, the format of displays.
 *
 * <p>Read as a little-endian 32-bit number, a pixel is converted by reversing its bytes or by a rotation.
 */
public enum PixelFormat {
    B8G8R8A8(1, Order.AS_IS),
    B8G8R8X8(2, Order.AS_IS),
    A8R8G8B8(3, Order.REVERSED),
    X8R8G8B8(4,
            Order.REVERSED),
    R8G8B8A8(67, Order.RED_FIRST),
    X8B8G8R8(68,
            Order.ALPHA_FIRST),
    A8B8G8R8(121, Order.ALPHA_FIRST),
    R8G8B8X8(134, Order.RED_FIRST);

    /** Order of the four bytes. */
    enum Order {
        /** B G R A. */
        AS_IS,
        /** A R G B. */
        REVERSED,
        /** R G B A. */
        RED_FIRST,
        /** A B G R. */
        ALPHA_FIRST
    }

    /** Bytes of one pixel in every format. */
    public static final int BYTES = 4;

    private final int wireNumber;
    private final Order order;

    PixelFormat(int wireNumber, Order order) {
        this.wireNumber = wireNumber;
        this.order = order;
    }

    Order order() {
        return order;
    }

    /** Its wire value. */
    public int wireNumber() {
        return wireNumber;
    }

    /** The format of a wire value, or null. */
    public static @Nullable PixelFormat ofWire(int number) {
        return switch (number) {
            case 1 -> B8G8R8A8;
            case 2 -> B8G8R8X8;
            case 3 -> A8R8G8B8;
            case 4 -> X8R8G8B8;
            case 67 -> R8G8B8A8;
            case 68 -> X8B8G8R8;
            case 121 -> A8B8G8R8;
            case 134 -> R8G8B8X8;
            default -> null;
        };
    }

    /** One pixel in our order: 0xAARRGGBB as a number. */
    static int toOurs(Order order, int pixel) {
        return switch (order) {
            case AS_IS -> pixel;
            case REVERSED -> Integer.reverseBytes(pixel);
            case RED_FIRST -> Integer.rotateRight(Integer.reverseBytes(pixel), 8);
            case ALPHA_FIRST -> Integer.rotateRight(pixel, 8);
        };
    }
}
