package sluice.vdev.loopback;

import java.io.IOException;
import java.util.UUID;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.device.Stream;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;

import static org.assertj.core.api.Assertions.assertThat;

/** A GPU that shows an object of another device of its process, over vfio-user. What it had of the process it has given back at the end. */
public final class ObjectScreen implements AutoCloseable {
    /** The resource that is made of the object. */
    public static final int RESOURCE = 7;
    private static final int RGB = 0xffffff;

    private final GpuBackEnd backEnd;
    private final AttachedGpu gpu;
    private final long heapAtFirst;
    private GpuBlobPicture shown = GpuBlobPicture.of(0, 1, 1);
    private int updates;

    /** @param core shared with the other devices */
    public ObjectScreen(DmaCore core) throws IOException {
        backEnd = GpuBackEnd.withHostBlobs(core, Stream.COHERENT, 1 << 20);
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.overVfioUser().toList().getFirst());
        gpu.driver().createContext(1).ok();
        heapAtFirst = heap();
    }

    public GpuBackEnd backEnd() {
        return backEnd;
    }

    public GpuDriver driver() {
        return gpu.driver();
    }

    /** What the GPU has of its share of the heap. */
    public long heap() {
        return backEnd.share().used(Resource.HEAP);
    }

    /** Buffers that are mapped in the GPU's address space. */
    public int mapped() {
        return backEnd.onLoop(() -> backEnd.device().space().table().mappings().size());
    }

    /** Makes a resource of an object, and shows a picture in it. */
    public void show(UUID object, long bytes, GpuBlobPicture picture) throws IOException {
        shown = picture;
        driver().createOfObject(RESOURCE, object, SharedRegion.whole(bytes)).ok();
        driver().setScanoutBlob(0, RESOURCE, picture.all(), picture).ok();
    }

    /** RESOURCE_FLUSH of the whole picture. */
    public GpuResponse flush() throws IOException {
        return driver().flush(RESOURCE, shown.all());
    }

    /** The pixels that the display has after a flush of a part, without their fourth byte. */
    public int[] flushed(GpuRect part) throws IOException {
        driver().flush(RESOURCE, part).ok();
        return awaited();
    }

    /** The display has got, or will get, one picture more than was asked for here. */
    public void skipUpdate() {
        updates++;
    }

    /** The same after a flush of everything. */
    public int[] flushed() throws IOException {
        return flushed(shown.all());
    }

    /** The pixels that the display has now, with no flush. */
    public int[] last() {
        return rgb(gpu.display().picture(0).pixels());
    }

    /** The pixels that a display gets which connects now. */
    public int[] seenByANewDisplay() {
        backEnd.onLoop(() -> {
            backEnd.device().displayConnected();
            return true;
        });
        return awaited();
    }

    private int[] awaited() {
        gpu.display().await(Update.class, ++updates);
        return last();
    }

    private static int[] rgb(int[] pixels) {
        for (int i = 0; i < pixels.length; i++) pixels[i] &= RGB;
        return pixels;
    }

    /** Destroys the resource: nothing of the object is left. */
    public void drop() throws IOException {
        driver().unref(RESOURCE).ok();
        assertThat(mapped()).as("mappings").isZero();
        assertThat(heap()).as("the GPU's heap").isEqualTo(heapAtFirst);
    }

    @Override
    public void close() {
        gpu.close();
        backEnd.close();
    }
}
