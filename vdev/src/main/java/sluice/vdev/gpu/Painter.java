package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;

import static sluice.dmacore.budget.Resource.HOST_MEMORY;
import static sluice.dmacore.budget.Resource.MAPPINGS;

/**
 * Sends pictures of scan-outs to a display: directly from the host's copy, or, for other pixels, from an image of its
 * own, into which they are read only if a display is connected. The image is reused for the next frame.
 */
final class Painter {
    private final Display display;
    private final Share share;
    private final GpuStatistics statistics;
    private final @Nullable HostImage[] images = new @Nullable HostImage[Scanouts.MAX];

    /** @param share of the process, charged for the images */
    Painter(Display display, Share share, GpuStatistics statistics) {
        this.display = display;
        this.share = share;
        this.statistics = statistics;
    }

    /**
     * Sends a part of a scan-out.
     *
     * @param part in pixels of the source, not empty
     * @param sent as that of {@link Display#update}
     * @throws OutOfMemoryError the host has no memory for an image
     */
    void paint(int id, Scanouts.Shown on, Rectangle part, Runnable sent) {
        display.flushed(id, part);
        long x = part.x() - on.shown().x();
        long y = part.y() - on.shown().y();
        HostImage copy = on.pixels().image();
        if (copy != null) {
            if (display.update(id, x, y, copy, part, sent))
                statistics.updated(part.width() * part.height() * PixelFormat.BYTES);
        } else if (!display.isWatched()) {
            sent.run();
        } else {
            HostImage image = image(id, (int) on.shown().width(), (int) on.shown().height());
            if (image == null) {
                sent.run();
                return;
            }
            statistics.observed(on.pixels().copyTo(part, image.pixels(), y * image.stride() + x * PixelFormat.BYTES,
                    image.stride()));
            display.update(id, x, y, image, new Rectangle(x, y, part.width(), part.height()), sent);
        }
    }

    /** An unused image of this size, or null if the device's share is used up. */
    private @Nullable HostImage image(int id, int width, int height) {
        HostImage present = images[id];
        if (present != null && present.width() == width && present.height() == height && !present.isShared())
            return present;
        forget(id);
        long bytes = HostImage.bytes(width, height);
        if (!share.takeOrTell(MAPPINGS, HostImage.mappings(bytes))) return null;
        if (!share.takeOrTell(HOST_MEMORY, bytes)) {
            share.giveBack(MAPPINGS, HostImage.mappings(bytes));
            return null;
        }
        boolean made = false;
        try {
            HostImage image = new HostImage(width, height);
            images[id] = image;
            made = true;
            return image;
        } finally {
            if (!made) giveBack(bytes);
        }
    }

    private void giveBack(long bytes) {
        share.giveBack(MAPPINGS, HostImage.mappings(bytes));
        share.giveBack(HOST_MEMORY, bytes);
    }

    /** The scan-out has changed: its image is dropped. */
    void forget(int id) {
        HostImage image = images[id];
        if (image == null) return;
        images[id] = null;
        giveBack(HostImage.bytes(image.width(), image.height()));
        image.release();
    }
}
