package sluice.vdev.loopback;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GuestRam;

/**
 * A 2D resource and the guest's pages behind it. Pixels are 32-bit numbers whose low byte comes first in memory, so in
 * B8G8R8X8 they are 0xXXRRGGBB.
 */
public final class Canvas {
    private static final int PIXEL = 4;

    private final AttachedGpu gpu;
    private final int resource;
    private final int width;
    private final int height;
    private final List<Buffer> backing;

    private Canvas(AttachedGpu gpu, int resource, int width, int height, List<Buffer> backing) {
        this.gpu = gpu;
        this.resource = resource;
        this.width = width;
        this.height = height;
        this.backing = backing;
    }

    static Canvas create(AttachedGpu gpu, int resource, int format, int width, int height) throws IOException {
        List<Buffer> backing = gpu.ram().allocateScattered((long) width * height * PIXEL);
        gpu.driver().createResource2d(resource, format, width, height).ok();
        gpu.driver().attachBacking(resource, backing).ok();
        return new Canvas(gpu, resource, width, height, backing);
    }

    public int resource() {
        return resource;
    }

    public GpuRect all() {
        return GpuRect.of(width, height);
    }

    public List<Buffer> backing() {
        return backing;
    }

    /** Draws into the guest's pages; not visible to the device yet. */
    public void draw(int[] pixels) {
        GuestRam ram = gpu.ram();
        ByteBuffer bytes = ByteBuffer.allocate(pixels.length * PIXEL).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(pixels);
        ram.write(backing, 0, bytes);
    }

    /** Draws noise and returns it. */
    public int[] drawNoise(long seed) {
        int[] pixels = noise(width * height, seed);
        draw(pixels);
        return pixels;
    }

    /** Random pixels without their highest byte. */
    public static int[] noise(int count, long seed) {
        return new Random(seed).ints(count).map(pixel -> pixel & 0xff_ffff).toArray();
    }

    /** TRANSFER_TO_HOST_2D of all. */
    public void transfer() throws IOException {
        transfer(all());
    }

    /** TRANSFER_TO_HOST_2D of a part, from where it lies in the backing. */
    public void transfer(GpuRect part) throws IOException {
        long offset = ((long) part.y() * width + part.x()) * PIXEL;
        gpu.driver().transferToHost2d(resource, part, offset).ok();
    }

    /** SET_SCANOUT to all of it. */
    public void show(int scanout) throws IOException {
        gpu.driver().setScanout(scanout, resource, all()).ok();
    }

    /** RESOURCE_FLUSH of all. */
    public void flush() throws IOException {
        gpu.driver().flush(resource, all()).ok();
    }

    /** A part of a picture as wide as this resource, row by row. */
    public int[] crop(int[] pixels, GpuRect part) {
        int[] out = new int[part.width() * part.height()];
        for (int row = 0; row < part.height(); row++) {
            System.arraycopy(pixels, (part.y() + row) * width + part.x(), out, row * part.width(), part.width());
        }
        return out;
    }
}
