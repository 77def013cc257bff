package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;

/** How scan-outs use a blob. */
final class BlobUse {
    private @Nullable BlobPixels pixels;
    private boolean given;
    private boolean lost;

    /** Whether all present pages were transferred to the GPU, as at the first SET_SCANOUT_BLOB. */
    boolean isGiven() {
        return given;
    }

    void setGiven() {
        given = true;
    }

    /** The blob has other pages now. */
    void begin() {
        given = false;
        lost = false;
    }

    /** The picture shown last, or null; reused, because the guest flips at every frame. */
    @Nullable
    BlobPixels pixels() {
        return pixels;
    }

    void setPixels(BlobPixels shown) {
        pixels = shown;
    }

    /** A scan-out shows it, and its pages are gone; returns whether this is new. */
    boolean lose() {
        boolean first = !lost;
        lost = true;
        return first;
    }
}
