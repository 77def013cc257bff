package sluice.vdev.display;

import java.util.concurrent.TimeUnit;

import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.Rectangle;

/**
 * The scan-outs that a display reads in place, as dma-bufs. One DMABUF_UPDATE is under way at a time, as in the C peer
 * ({@code contrib/vhost-user-gpu} in QEMU); what changes meanwhile is put together and sent with the next. A display
 * that does not answer holds nothing up, and is sent pixels again after a while. On the device's loop.
 */
final class DmabufScreens {
    /** A display draws a frame in this time, or is taken for one that does not answer. */
    static final long PATIENCE_MILLIS = 2000;
    private static final Logger LOG = LoggerFactory.getLogger(DmabufScreens.class);

    /** What a connection sends. */
    interface Messages {
        /**
         * @param picture the dma-buf; remains the caller's
         * @param shown the part of it that is the scan-out
         */
        void scanout(int scanout, HostImage image, Fd picture, Rectangle shown) throws ErrnoException;

        /** @param part in pixels of the scan-out */
        void update(int scanout, Rectangle part);

        /** The display is not shown this picture as a dma-buf any more: sends its size, and the pixels of {@code shown}. */
        void copy(int scanout, HostImage image, Rectangle shown);
    }

    /** A scan-out; its image is referenced. */
    private static final class Screen {
        final HostImage image;
        final Rectangle shown;
        boolean told;
        /** Not sent yet, in pixels of the scan-out. */
        @Nullable
        Rectangle damage;

        Screen(HostImage image, Rectangle shown) {
            this.image = image;
            this.shown = shown;
        }

        boolean is(HostImage other, Rectangle part) {
            return image.equals(other) && shown.equals(part);
        }
    }

    private final EventLoop loop;
    private final Messages messages;
    private final @Nullable Screen[] screens;
    /** The last scan-out with an update, so that each has its turn. */
    private int last;
    /** Ends the wait for an answer; null if none is awaited. */
    private @Nullable Future<?> patience;
    private boolean givenUp;

    DmabufScreens(EventLoop loop, int outputs, Messages messages) {
        this.loop = loop;
        this.messages = messages;
        screens = new @Nullable Screen[outputs];
    }

    /** Whether the display can read an image in place. */
    boolean takes(HostImage image) {
        return !givenUp && image.dmabuf() != null;
    }

    /**
     * A part of a scan-out has changed, or it shows another image.
     *
     * @param image one that it {@link #takes}
     * @param shown the part of the image that is the scan-out
     * @param part in pixels of the scan-out
     */
    void changed(int scanout, HostImage image, Rectangle shown, Rectangle part) {
        Screen screen = screens[scanout];
        if (screen == null || !screen.is(image, shown)) {
            forget(scanout);
            image.retain();
            screen = new Screen(image, shown);
            screens[scanout] = screen;
            screen.damage = new Rectangle(0, 0, shown.width(), shown.height());
        } else {
            screen.damage = screen.damage == null ? part : screen.damage.union(part);
        }
        next();
    }

    /** A scan-out has another size, or none. */
    void forget(int scanout) {
        Screen screen = screens[scanout];
        screens[scanout] = null;
        if (screen != null) screen.image.release();
    }

    /** A scan-out shows this image from now on: any other belongs to the guest's resources again, and to the display alone. */
    void show(int scanout, @Nullable HostImage image) {
        Screen screen = screens[scanout];
        if (screen != null && !screen.image.equals(image)) forget(scanout);
    }

    /** Sends one update, unless one is under way. */
    private void next() {
        for (int i = 1; patience == null && !givenUp && i <= screens.length; i++) {
            int scanout = (last + i) % screens.length;
            Screen screen = screens[scanout];
            Rectangle damage = screen == null ? null : screen.damage;
            if (screen == null || damage == null) continue;
            screen.damage = null;
            send(scanout, screen, damage);
        }
    }

    private void send(int scanout, Screen screen, Rectangle damage) {
        Fd picture = screen.image.dmabuf();
        if (picture == null) throw new IllegalStateException("an image that was not taken");
        last = scanout;
        try {
            screen.image.syncForDisplay();
            if (!screen.told) messages.scanout(scanout, screen.image, picture, screen.shown);
        } catch (ErrnoException e) {
            giveUp(e.getMessage());
            return;
        }
        screen.told = true;
        messages.update(scanout, damage);
        patience = loop.schedule(() -> {
            patience = null;
            giveUp("no answer to DMABUF_UPDATE for " + PATIENCE_MILLIS + " ms");
        }, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** An update was answered; returns false if none was sent. */
    boolean answered() {
        Future<?> awaited = patience;
        if (awaited == null) return givenUp;
        patience = null;
        awaited.cancel(false);
        next();
        return true;
    }

    private void giveUp(@Nullable String why) {
        givenUp = true;
        LOG.warn("the display is sent copies of the pictures from now on, not dma-bufs: {}", why);
        for (int scanout = 0; scanout < screens.length; scanout++) {
            Screen screen = screens[scanout];
            if (screen == null) continue;
            messages.copy(scanout, screen.image, screen.shown);
            forget(scanout);
        }
    }

    /** The connection has ended. */
    void close() {
        if (patience != null) patience.cancel(false);
        patience = null;
        for (int scanout = 0; scanout < screens.length; scanout++) forget(scanout);
    }
}
