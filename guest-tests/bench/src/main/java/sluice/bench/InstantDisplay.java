package sluice.bench;

import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.vdev.gpu.Display;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.Rectangle;

/** A display that has taken everything at once. */
final class InstantDisplay implements Display {
    @Override
    public void setListener(Listener listener) {
        // It never has anything to tell.
    }

    @Override
    public boolean isCongested() {
        return false;
    }

    @Override
    public boolean isWatched() {
        return false;
    }

    @Override
    public void setScanout(int scanout, int width, int height) {
        // No viewer.
    }

    @Override
    public boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
        sent.run();
        return true;
    }

    @Override
    public void displayInfo(Consumer<byte[]> answer) {
        throw new UnsupportedOperationException("no benchmark asks for it");
    }

    @Override
    public void edid(int scanout, Consumer<byte @Nullable []> answer) {
        throw new UnsupportedOperationException("no benchmark asks for it");
    }

    @Override
    public void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
        // No viewer.
    }

    @Override
    public void moveCursor(int scanout, int x, int y) {
        // No viewer.
    }

    @Override
    public void hideCursor(int scanout, int x, int y) {
        // No viewer.
    }
}
