package sluice.vdev.gpu;

import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

/**
 * Where pictures go: the front-end's screen, or none. Used on the device's loop; nothing here waits, what takes time calls
 * back on the same loop.
 */
public interface Display {
    /** Told when a display connects anew and knows nothing of what was shown before. */
    interface Listener {
        void displayConnected();

        /** A display that was {@link Display#isCongested} takes messages again. */
        void displayReady();
    }

    void setListener(Listener listener);

    /**
     * Whether so much waits to be sent that nothing should be added: take no more commands before {@link
     * Listener#displayReady}. A guest could otherwise fill our memory while the display does not read.
     */
    boolean isCongested();

    /** Whether anybody sees what is shown: nobody's pixels have to be read. */
    boolean isWatched();

    /** Scan-out {@code scanout} has this size from now on and shows nothing yet; 0×0 switches it off. */
    void setScanout(int scanout, int width, int height);

    /**
     * Shows {@code source} of {@code image} at {@code x},{@code y} of the scan-out.
     *
     * <p>The image is held until it is sent.
     *
     * @param sent called once, possibly before this returns, when the last byte was accepted or never will be
     */
    void update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent);

    /**
     * Asks for the sizes of the scan-outs: {@code answer} gets a struct virtio_gpu_resp_display_info, whose header is
     * not filled in.
     */
    void displayInfo(Consumer<byte[]> answer);

    /**
     * Asks for the EDID of a scan-out: {@code answer} gets a struct virtio_gpu_resp_edid, whose header is not filled in, or
     * null if the display has none.
     */
    void edid(int scanout, Consumer<byte @Nullable []> answer);

    /** Shows a 64×64 cursor, 0xAARRGGBB. */
    void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels);

    void moveCursor(int scanout, int x, int y);

    void hideCursor(int scanout, int x, int y);
}
