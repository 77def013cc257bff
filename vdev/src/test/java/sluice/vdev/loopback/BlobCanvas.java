package sluice.vdev.loopback;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;

/** A blob of scattered guest pages with a picture in it. Pixels are as those of a {@link Canvas}. */
public final class BlobCanvas {
    private static final int PAGE = 4096;

    private final AttachedGpu gpu;
    private final int resource;
    private final GpuBlobPicture picture;
    private final List<Buffer> backing;

    private BlobCanvas(AttachedGpu gpu, int resource, GpuBlobPicture picture, List<Buffer> backing) {
        this.gpu = gpu;
        this.resource = resource;
        this.picture = picture;
        this.backing = backing;
    }

    /** Makes the blob; nothing is shown yet. */
    public static BlobCanvas create(AttachedGpu gpu, int resource, GpuBlobPicture picture) throws IOException {
        long size = Math.ceilDiv(picture.end(), PAGE) * (long) PAGE;
        List<Buffer> backing = gpu.ram().allocateScattered(size);
        gpu.driver().createBlob(resource, size, backing).ok();
        return new BlobCanvas(gpu, resource, picture, backing);
    }

    public GpuBlobPicture picture() {
        return picture;
    }

    public List<Buffer> backing() {
        return backing;
    }

    /** Draws into the guest's pages: all rows, one behind the other in {@code pixels}. */
    public void draw(int[] pixels) {
        for (int row = 0; row < picture.height(); row++) {
            ByteBuffer bytes = ByteBuffer.allocate(4 * picture.width()).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asIntBuffer().put(pixels, row * picture.width(), picture.width());
            gpu.ram().write(backing, picture.offset() + row * (long) picture.stride(), bytes);
        }
    }

    /** SET_SCANOUT_BLOB to all of it. */
    public void show(int scanout) throws IOException {
        tryShow(scanout).ok();
    }

    /** The same, however it is answered. */
    public GpuResponse tryShow(int scanout) throws IOException {
        return gpu.driver().setScanoutBlob(scanout, resource, picture.all(), picture);
    }

    /** RESOURCE_FLUSH of all. */
    public void flush() throws IOException {
        flush(picture.all());
    }

    /** RESOURCE_FLUSH of a part. */
    public void flush(GpuRect part) throws IOException {
        gpu.driver().flush(resource, part).ok();
    }

    /** Gives the pages back to the guest's kernel, which the GPU has let go of. */
    public void freePages() {
        backing.forEach(gpu.ram()::free);
    }

    /** A part of a picture as wide as this one, row by row. */
    public int[] crop(int[] pixels, GpuRect part) {
        int[] out = new int[part.width() * part.height()];
        for (int row = 0; row < part.height(); row++)
            System.arraycopy(pixels, (part.y() + row) * picture.width() + part.x(), out, row * part.width(),
                    part.width());
        return out;
    }
}
