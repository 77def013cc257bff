package sluice.vdev.rfb;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.DeviceLoop;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.gpu.PixelFormat;
import sluice.vdev.gpu.PixelSource;
import sluice.vdev.gpu.Rectangle;

/**
 * A scan-out as viewers see it. The device's loop says what it shows and marks what has changed; it never waits for a
 * viewer, and allocates nothing while the guest flips between two pictures. Viewers read on a loop of their own.
 *
 * <p>A host copy is read directly, by a reference that keeps its memory: the reader may see a transfer half done, as a
 * display does that scans out meanwhile, and is told of the change afterwards. Pixels in guest pages are only valid on the
 * device's loop: {@link #fetch} reads them there.
 */
final class Screen {
    /** The largest width and height in RFB. */
    static final int MAX_SIDE = 0xffff;
    private static final ValueLayout.OfInt PIXEL = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * What a scan-out shows.
     *
     * @param source null while it is disabled: it is black then
     * @param x of the part shown, in pixels of the source
     */
    record View(@Nullable PixelSource source, long x, long y, int width, int height, Damage damage) {
        private boolean is(PixelSource pixels, Rectangle shown) {
            return pixels.equals(source) && shown.x() == x && shown.y() == y && side(shown.width()) == width
                    && side(shown.height()) == height;
        }
    }

    private final DeviceLoop device;
    private final AtomicBoolean wanted = new AtomicBoolean();
    private volatile View view;
    /** The previous picture, because the guest flips between two. On the device's loop. */
    private @Nullable View former;
    private volatile Runnable wake = () -> {};
    private volatile @Nullable CursorShape cursor;
    private volatile boolean cursorShown;
    private volatile long cursorAt;
    private final AtomicInteger cursorChanges = new AtomicInteger();
    private LongConsumer observed = bytes -> {};

    /**
     * A disabled scan-out.
     *
     * @param device the device's loop
     * @param width in pixels, until it shows something
     */
    Screen(DeviceLoop device, int width, int height) {
        this.device = device;
        view = off(side(width), side(height));
    }

    private static View off(int width, int height) {
        return new View(null, 0, 0, width, height, new Damage(width, height));
    }

    private static int side(long pixels) {
        return (int) Math.min(pixels, MAX_SIDE);
    }

    /** @param count receives the bytes read from guest pages, on the device's loop */
    void whenRead(LongConsumer count) {
        observed = count;
    }

    /** @param action runs on the device's loop when something has changed after {@link #want}; must not wait */
    void whenChanged(Runnable action) {
        wake = action;
    }

    // On the device's loop.

    void show(PixelSource pixels, Rectangle shown) {
        View now = view;
        View earlier = former;
        int width = side(shown.width());
        int height = side(shown.height());
        boolean sized = now.width == width && now.height == height;
        Damage damage = sized ? now.damage : new Damage(width, height);
        View next = earlier != null && earlier.damage == damage && earlier.is(pixels, shown)
                ? earlier
                : new View(pixels, shown.x(), shown.y(), width, height, damage);
        former = now;
        view = next;
        damage.markAll();
        changed();
    }

    /** It shows nothing: viewers keep the size. */
    void switchOff() {
        View now = view;
        former = null;
        if (now.source == null) return;
        view = new View(null, 0, 0, now.width, now.height, now.damage);
        now.damage.markAll();
        changed();
    }

    void mark(Rectangle part) {
        View now = view;
        now.damage.mark(part.x() - now.x, part.y() - now.y, part.width(), part.height());
        changed();
    }

    void showCursor(int x, int y, int hotX, int hotY, int[] pixels) {
        cursor = new CursorShape(hot(hotX), hot(hotY), pixels);
        moveCursor(x, y, true);
    }

    /** A guest may give any number. */
    private static int hot(int position) {
        return Math.clamp(position, 0, CursorShape.SIDE - 1);
    }

    void moveCursor(int x, int y, boolean shown) {
        cursorAt = (long) x << 32 | (y & 0xffff_ffffL);
        cursorShown = shown;
        cursorChanges.incrementAndGet();
        changed();
    }

    private void changed() {
        if (wanted.get() && wanted.compareAndSet(true, false)) wake.run();
    }

    // On any thread.

    View view() {
        return view;
    }

    /** The action of {@link #whenChanged} runs at the next change. A caller looks once more after this. */
    void want() {
        wanted.set(true);
    }

    /** Number of changes of the cursor so far. */
    int cursorChanges() {
        return cursorChanges.get();
    }

    /** The cursor, or null if there is none or it is hidden. */
    @Nullable
    CursorShape cursor() {
        return cursorShown ? cursor : null;
    }

    /** The column of its left edge; may be outside of the screen. */
    int cursorX() {
        return (int) (cursorAt >> 32);
    }

    int cursorY() {
        return (int) cursorAt;
    }

    /**
     * Reads a block of pixels, 0xXXRRGGBB, row by row; what the scan-out does not show is black.
     *
     * @param x inside the largest possible screen, like the block
     * @return false if they are in guest pages, and must be fetched
     */
    boolean read(int x, int y, int width, int height, int[] target) {
        for (;;) {
            View now = view;
            if (now.source == null) {
                Arrays.fill(target, 0, width * height, 0);
                return true;
            }
            HostImage image = now.source.image();
            if (image == null) return false;
            if (read(now, image, x, y, width, height, target)) return true;
            // The guest has destroyed it, and the device has changed the view before, unless it is closed.
            if (view.equals(now)) {
                Arrays.fill(target, 0, width * height, 0);
                return true;
            }
        }
    }

    private boolean read(View from, HostImage image, int x, int y, int width, int height, int[] target) {
        int columns = Math.clamp(from.width - x, 0, width);
        int rows = columns == 0 ? 0 : Math.clamp(from.height - y, 0, height);
        if (columns < width || rows < height) Arrays.fill(target, 0, width * height, 0);
        return image.readElsewhere(from.x + x, from.y + y, columns, rows, target, width, device);
    }

    /**
     * Reads a block of pixels on the device's loop, into rows of B, G, R, X bytes.
     *
     * @param target accessible from every thread; not used by the caller before {@code done}
     * @param done runs on the device's loop
     */
    void fetch(int x, int y, int width, int height, MemorySegment target, Runnable done) {
        device.execute(() -> {
            try {
                fetch(view, x, y, width, height, target);
            } finally {
                done.run();
            }
        });
    }

    private void fetch(View from, int x, int y, int width, int height, MemorySegment target) {
        int columns = Math.clamp(from.width - x, 0, width);
        int rows = Math.clamp(from.height - y, 0, height);
        long stride = (long) width * PixelFormat.BYTES;
        PixelSource source = from.source;
        if (source == null || columns < width || rows < height) target.asSlice(0, stride * height).fill((byte) 0);
        if (source == null || columns == 0 || rows == 0) return;
        observed.accept(source.copyTo(new Rectangle(from.x + x, from.y + y, columns, rows), target, 0, stride));
    }

    /** Takes pixels that were fetched. */
    static void take(MemorySegment fetched, int[] target, int count) {
        MemorySegment.copy(fetched, PIXEL, 0, target, 0, count);
    }
}
