package sluice.vdev.display;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.vdev.device.DeviceLoop;
import sluice.vdev.device.DisplaySocket;
import sluice.vdev.gpu.Display;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.PixelSource;
import sluice.vdev.gpu.Rectangle;
import sluice.vdev.host.HostLoop;

/**
 * The display of a GPU over the front-end's display sockets, a new one at every start. Without a socket it has screens
 * of fixed size side by side, without a viewer.
 *
 * <p>A socket is never closed before the front-end has closed its end or passed another: QEMU 11.1 would busy-loop.
 */
public final class DisplayLink implements Display, DisplaySocket {
    /** struct virtio_gpu_resp_display_info: header, then sixteen times {x, y, width, height, enabled, flags}. */
    private static final int INFO_BYTES = 408;
    private static final int INFO_MODES = 24;
    /** struct virtio_gpu_resp_edid. */
    private static final int EDID_BYTES = 1056;

    private final HostLoop loop;
    private final int outputs;
    private final int width;
    private final int height;
    private final HostImage.@Nullable Dmabufs dmabufs;
    private final AtomicInteger shared = new AtomicInteger();
    private @Nullable Listener listener;
    private @Nullable DisplayConnection connection;

    /**
     * @param loop the device's loop, on which all methods are called
     * @param outputs connected while there is no socket, 1 to 16
     * @param width of each of them in pixels
     */
    public DisplayLink(DeviceLoop loop, int outputs, int width, int height) {
        this(loop, outputs, width, height, null);
    }

    /** @param dmabufs makes dma-bufs, which a display reads in place; null to send it pixels */
    public DisplayLink(DeviceLoop loop, int outputs, int width, int height, HostImage.@Nullable Dmabufs dmabufs) {
        this.dmabufs = dmabufs;
        this.loop = HostLoop.of(loop);
        this.outputs = outputs;
        this.width = width;
        this.height = height;
    }

    @Override
    public void connect(Fd socket) {
        DisplayConnection old = connection;
        connection = new DisplayConnection(socket, loop.events(), loop.disposal(), loop.log(), dmabufs != null,
                this::ready,
                this::lost);
        boolean told = false;
        try {
            // After the switch: requests not answered by the old one are sent again.
            close(old);
            if (listener != null) listener.displayConnected();
            told = true;
        } finally {
            if (!told) disconnect();
        }
    }

    @Override
    public void disconnect() {
        DisplayConnection old = connection;
        connection = null;
        close(old);
    }

    private void close(@Nullable DisplayConnection old) {
        if (old == null) return;
        boolean heldBack = old.isCongested();
        old.close();
        if (heldBack) ready();
    }

    private void lost() {
        connection = null;
        ready();
    }

    private void ready() {
        if (listener != null) listener.displayReady();
    }

    @Override
    public boolean isCongested() {
        return connection != null && connection.isCongested();
    }

    @Override
    public boolean isWatched() {
        return connection != null;
    }

    @Override
    public void setListener(Listener next) {
        listener = next;
    }

    @Override
    public void setScanout(int scanout, int newWidth, int newHeight) {
        if (connection != null) connection.setScanout(scanout, newWidth, newHeight);
    }

    @Override
    public void show(int scanout, PixelSource pixels, Rectangle shown) {
        if (connection != null) connection.show(scanout, pixels.image());
    }

    @Override
    public HostImage image(int imageWidth, int imageHeight) {
        return dmabufs == null
                ? new HostImage(imageWidth, imageHeight)
                : HostImage.shared(imageWidth, imageHeight, dmabufs, shared);
    }

    @Override
    public boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
        if (connection != null) return connection.update(scanout, x, y, image, source, sent);
        sent.run();
        return true;
    }

    @Override
    public void displayInfo(Consumer<byte[]> answer) {
        DisplayConnection asked = connection;
        if (asked == null) {
            answer.accept(ownDisplayInfo());
            return;
        }
        asked.displayInfo(INFO_BYTES, reply -> {
            if (reply != null) {
                answer.accept(reply);
            } else if (isReplaced(asked)) {
                displayInfo(answer);
            } else {
                answer.accept(ownDisplayInfo());
            }
        });
    }

    /** Whether another display has replaced the one that has not answered. */
    private boolean isReplaced(DisplayConnection asked) {
        return connection != null && !connection.equals(asked);
    }

    /** The outputs side by side: drivers pass the positions on, and two at one position would show the same. */
    private byte[] ownDisplayInfo() {
        byte[] info = new byte[INFO_BYTES];
        ByteBuffer modes = ByteBuffer.wrap(info).order(ByteOrder.LITTLE_ENDIAN).position(INFO_MODES);
        for (int output = 0; output < outputs; output++) {
            modes.putInt(output * width).putInt(0).putInt(width).putInt(height).putInt(1).putInt(0);
        }
        return info;
    }

    @Override
    public void edid(int scanout, Consumer<byte @Nullable []> answer) {
        DisplayConnection asked = connection;
        if (asked == null) {
            answer.accept(null);
            return;
        }
        asked.edid(scanout, EDID_BYTES, reply -> {
            if (reply == null && isReplaced(asked)) {
                edid(scanout, answer);
            } else {
                answer.accept(reply);
            }
        });
    }

    @Override
    public void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
        if (connection != null) connection.cursorUpdate(scanout, x, y, hotX, hotY, pixels);
    }

    @Override
    public void moveCursor(int scanout, int x, int y) {
        if (connection != null) connection.cursorPosition(DisplayRequest.CURSOR_POS, scanout, x, y);
    }

    @Override
    public void hideCursor(int scanout, int x, int y) {
        if (connection != null) connection.cursorPosition(DisplayRequest.CURSOR_POS_HIDE, scanout, x, y);
    }
}
