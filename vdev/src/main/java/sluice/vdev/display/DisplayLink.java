package sluice.vdev.display;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

import io.netty.channel.EventLoop;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.vdev.gpu.Display;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.Rectangle;

/**
 * The display of a GPU over the sockets a front-end hands out, a new one at every start. Without a socket it is a row of
 * screens of fixed size that nobody looks at.
 *
 * <p>A socket is never closed before the front-end closed its end or gave us another: QEMU 11.1 would spin.
 */
public final class DisplayLink implements Display {
    /** struct virtio_gpu_resp_display_info: header, then sixteen times {x, y, width, height, enabled, flags}. */
    private static final int INFO_BYTES = 408;
    private static final int INFO_MODES = 24;
    /** struct virtio_gpu_resp_edid. */
    private static final int EDID_BYTES = 1056;

    private final EventLoop loop;
    private final int outputs;
    private final int width;
    private final int height;
    private @Nullable Listener listener;
    private @Nullable DisplayConnection connection;

    /**
     * @param loop the device's loop, on which everything here is called
     * @param outputs that are connected while there is no socket, 1 to 16
     * @param width of each of them in pixels
     */
    public DisplayLink(EventLoop loop, int outputs, int width, int height) {
        this.loop = loop;
        this.outputs = outputs;
        this.width = width;
        this.height = height;
    }

    /** Uses {@code socket}, which is ours from now on, in place of the one before. */
    public void connect(Fd socket) {
        disconnect();
        connection = new DisplayConnection(socket, loop, this::ready, this::lost);
        if (listener != null) listener.displayConnected();
    }

    /** The front-end has gone, or gives another socket. */
    public void disconnect() {
        DisplayConnection old = connection;
        connection = null;
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
    public void setListener(Listener next) {
        listener = next;
    }

    @Override
    public void setScanout(int scanout, int newWidth, int newHeight) {
        if (connection != null) connection.setScanout(scanout, newWidth, newHeight);
    }

    @Override
    public void update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
        if (connection == null) {
            sent.run();
        } else {
            connection.update(scanout, x, y, image, source, sent);
        }
    }

    @Override
    public void displayInfo(Consumer<byte[]> answer) {
        if (connection == null) {
            answer.accept(ownDisplayInfo());
        } else {
            connection.displayInfo(INFO_BYTES, reply -> answer.accept(reply == null ? ownDisplayInfo() : reply));
        }
    }

    /** The outputs side by side: a driver suggests where each is to be, and two in one place would show the same. */
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
        if (connection == null) {
            answer.accept(null);
        } else {
            connection.edid(scanout, EDID_BYTES, answer);
        }
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
