package sluice.vdev.rfb;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.DeviceLoop;
import sluice.vdev.gpu.Display;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.PixelSource;
import sluice.vdev.gpu.Rectangle;

/** The front-end's display, beside which viewers see the scan-outs. Viewers never hold it up. */
public final class ViewedDisplay implements Display {
    private final Display front;
    private final List<Screen> screens = new ArrayList<>();

    /**
     * @param front receives everything
     * @param device the device's loop
     * @param width of a screen for viewers, in pixels, before the guest has shown anything
     */
    public ViewedDisplay(Display front, DeviceLoop device, int width, int height) {
        this.front = front;
        for (int id = 0; id < GpuOptions.MAX_OUTPUTS; id++) screens.add(new Screen(device, width, height));
    }

    Screen screen(int scanout) {
        return screens.get(scanout);
    }

    @Override
    public boolean showsCursors() {
        return true;
    }

    @Override
    public void whenRead(LongConsumer count) {
        for (Screen screen : screens) screen.whenRead(count);
    }

    @Override
    public void show(int scanout, PixelSource pixels, Rectangle shown) {
        screens.get(scanout).show(pixels, shown);
        front.show(scanout, pixels, shown);
    }

    @Override
    public void flushed(int scanout, Rectangle part) {
        screens.get(scanout).mark(part);
    }

    @Override
    public void setListener(Listener listener) {
        front.setListener(listener);
    }

    @Override
    public boolean isCongested() {
        return front.isCongested();
    }

    @Override
    public boolean isWatched() {
        return front.isWatched();
    }

    @Override
    public void setScanout(int scanout, int width, int height) {
        if (width == 0 || height == 0) screens.get(scanout).switchOff();
        front.setScanout(scanout, width, height);
    }

    @Override
    public HostImage image(int width, int height) {
        return front.image(width, height);
    }

    @Override
    public boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
        return front.update(scanout, x, y, image, source, sent);
    }

    @Override
    public void displayInfo(Consumer<byte[]> answer) {
        front.displayInfo(answer);
    }

    @Override
    public void edid(int scanout, Consumer<byte @Nullable []> answer) {
        front.edid(scanout, answer);
    }

    @Override
    public void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
        screens.get(scanout).showCursor(x, y, hotX, hotY, pixels);
        front.setCursor(scanout, x, y, hotX, hotY, pixels);
    }

    @Override
    public void moveCursor(int scanout, int x, int y) {
        screens.get(scanout).moveCursor(x, y, true);
        front.moveCursor(scanout, x, y);
    }

    @Override
    public void hideCursor(int scanout, int x, int y) {
        screens.get(scanout).moveCursor(x, y, false);
        front.hideCursor(scanout, x, y);
    }
}
