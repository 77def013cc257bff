package sluice.vdev.gpu;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import static org.assertj.core.api.Assertions.assertThat;

/** A display without a socket, which demands of the device what QEMU's would crash without. */
final class CheckedDisplay implements Display {
    private boolean poor;
    private final int[] widths = new int[Scanouts.MAX];
    private final int[] heights = new int[Scanouts.MAX];
    private final Deque<Runnable> held = new ArrayDeque<>();
    /** Whether updates are taken later, at {@link #takeHeld}. */
    boolean slow;
    /** Whether it wants updates. */
    boolean watched = true;

    /** Has no memory for anything, from now on or not. */
    void setPoor(boolean on) {
        poor = on;
    }

    private void requireMemory() {
        if (poor) throw new OutOfMemoryError("told to have none");
    }

    @Override
    public void setListener(Listener listener) {
        // Never congested and never anew: it has nothing to tell.
    }

    @Override
    public boolean isCongested() {
        return false;
    }

    @Override
    public boolean isWatched() {
        return watched;
    }

    @Override
    public void setScanout(int scanout, int width, int height) {
        assertThat(width).isBetween(0, ResourceTable.MAX_SIDE);
        assertThat(height).isBetween(0, ResourceTable.MAX_SIDE);
        widths[scanout] = width;
        heights[scanout] = height;
    }

    @Override
    public boolean update(int scanout, long x, long y, HostImage image, Rectangle source, Runnable sent) {
        requireMemory();
        assertThat(x).isNotNegative();
        assertThat(y).isNotNegative();
        assertThat(source.width()).isPositive();
        assertThat(source.height()).isPositive();
        assertThat(x + source.width()).isLessThanOrEqualTo(widths[scanout]);
        assertThat(y + source.height()).isLessThanOrEqualTo(heights[scanout]);
        assertThat(image.copyOf(source)).hasSize((int) (source.width() * source.height()));
        if (!slow) {
            sent.run();
            return true;
        }
        image.retain();
        held.add(() -> {
            assertThat(image.copyOf(source)).isNotEmpty();
            image.release();
            sent.run();
        });
        return true;
    }

    /** Takes what a slow display has not taken yet; says whether there was anything. */
    boolean takeHeld() {
        boolean any = !held.isEmpty();
        while (!held.isEmpty())
            held.remove().run();
        return any;
    }

    @Override
    public void displayInfo(Consumer<byte[]> answer) {
        requireMemory();
        answer.accept(new byte[Wire.DisplayInfo.MODES + Scanouts.MAX * Wire.DisplayInfo.MODE_BYTES]);
    }

    @Override
    public void edid(int scanout, Consumer<byte @Nullable []> answer) {
        requireMemory();
        assertThat(scanout).isBetween(0, Scanouts.MAX - 1);
        answer.accept(null);
    }

    @Override
    public void setCursor(int scanout, int x, int y, int hotX, int hotY, int[] pixels) {
        requireMemory();
        assertThat(scanout).isBetween(0, Scanouts.MAX - 1);
        assertThat(pixels).hasSize(64 * 64);
    }

    @Override
    public void moveCursor(int scanout, int x, int y) {
        assertThat(scanout).isBetween(0, Scanouts.MAX - 1);
    }

    @Override
    public void hideCursor(int scanout, int x, int y) {
        assertThat(scanout).isBetween(0, Scanouts.MAX - 1);
    }
}
