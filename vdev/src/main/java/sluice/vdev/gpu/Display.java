package sluice.vdev.gpu;

import java.util.function.Consumer;
import java.util.function.LongConsumer;

import org.jspecify.annotations.Nullable;

/**
 * The display of pictures: the front-end's screen, or none. Used on the device's loop; no call blocks, results arrive
 * by callbacks on the same loop.
 */
public interface Display {
    /** Called when a new display connects, without state of the previous one. */
    interface Listener {
        void displayConnected();

        /** A display that was {@link Display#isCongested} accepts messages again. */
        void displayReady();
    }

    void setListener(Listener listener);

    /**
     * Whether the send queue is full: execute no more commands before {@link Listener#displayReady}. Otherwise a guest
     * could fill our memory while the display does not read.
     */
    boolean isCongested();

    /** Whether a display is connected; otherwise pixels need not be read. */
    boolean isWatched();

    /** Whether cursors are shown; otherwise their pixels need not be read. */
    default boolean showsCursors() {
        return isWatched();
    }

    /** @param count receives, on the device's loop, the bytes read from memory other than host copies */
    default void whenRead(LongConsumer count) {}

    /**
     * A scan-out shows other pixels from now on, all of which are new; {@link #setScanout} with 0×0 ends it. For a
     * display that reads pixels when it needs them, not when they are flushed.
     *
     * @param pixels valid on the device's loop until the scan-out shows others
     * @param shown the part of them, at least one pixel
     */
    default void show(int scanout, PixelSource pixels, Rectangle shown) {}

    /**
     * A part of a scan-out has changed.
     *
     * @param part in pixels of the source, not empty, inside of what is shown
     */
    default void flushed(int scanout, Rectangle part) {}

    /**
     * The memory of a picture that may be shown, black: the display may have means to read it in place.
     *
     * @param width with {@code height} at least 1, and below 2^31 bytes together
     * @throws OutOfMemoryError host memory is exhausted
     */
    default HostImage image(int width, int height) {
        return new HostImage(width, height);
    }

    /** Sets the size of a scan-out, without content; 0×0 disables it. */
    void setScanout(int scanout, int width, int height);

    /**
     * Shows {@code source} of {@code image} at {@code x},{@code y} of the scan-out.
     *
     * <p>The image is referenced until it is sent.
     *
     * @param sent called once, possibly before this returns, when the last byte was accepted or sending has failed
     * @return whether pixels are copied; not if the display reads the image in place
     */
    boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent);

    /**
     * Requests the sizes of the scan-outs: {@code answer} receives a struct virtio_gpu_resp_display_info without
     * header.
     */
    void displayInfo(Consumer<byte[]> answer);

    /**
     * Requests the EDID of a scan-out: {@code answer} receives a struct virtio_gpu_resp_edid without header, or null if
     * the display has none.
     */
    void edid(int scanout, Consumer<byte @Nullable []> answer);

    /** Shows a 64×64 cursor, 0xAARRGGBB. */
    void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels);

    void moveCursor(int scanout, int x, int y);

    void hideCursor(int scanout, int x, int y);
}
