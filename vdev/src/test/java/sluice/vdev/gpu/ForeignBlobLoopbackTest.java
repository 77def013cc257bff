package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Objects by their UUIDs as resources, with everything that a guest may do wrong. The objects here are the GPU's own blobs;
 * those of a codec are in SharedPictureLoopbackTest.
 */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ForeignBlobLoopbackTest {
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 64, 48);
    private static final long SIZE = PICTURE.end();
    private static final UUID NONE = new UUID(0, 0);
    private static final int OBJECT = 1;

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting(), findings);
    private GpuBackEnd backEnd;
    private AttachedGpu gpu;
    private UUID name;
    private long heapAtFirst;
    private long heapWithObject;

    @BeforeEach
    void start() throws IOException {
        backEnd = GpuBackEnd.withHostBlobs(core, Stream.COHERENT, 1 << 20);
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.overVfioUser().toList().getFirst());
        gpu.driver().createContext(1).ok();
        gpu.driver().createContext(2).ok();
        heapAtFirst = gpu.backEnd().share().used(Resource.HEAP);
        gpu.driver().createBlob(OBJECT, SIZE, gpu.ram().allocateScattered(SIZE)).ok();
        name = gpu.driver().uuid(OBJECT);
        heapWithObject = gpu.backEnd().share().used(Resource.HEAP);
    }

    /** Whatever a test has done: without its resources and names nothing is left. */
    @AfterEach
    void end() throws IOException {
        for (int id = 1; id <= 8; id++) gpu.driver().unref(id);
        for (int context = 1; context <= 2; context++) {
            gpu.driver().call(GpuCommands.destroyContext(context)).ok();
            gpu.driver().createContext(context).ok();
        }
        assertThat(gpu.backEnd().share().used(Resource.HEAP)).isEqualTo(heapAtFirst);
        gpu.close();
        assertThat(core.exported().count()).isZero();
        backEnd.close();
    }

    private int answer(ByteBuffer command) throws IOException {
        return gpu.driver().call(command).type();
    }

    private int named(int context, long blobId, UUID object) throws IOException {
        return answer(GpuCommands.nameObject(context, blobId, object));
    }

    private int created(int resource, long blobId, long size) throws IOException {
        return answer(GpuCommands.createOfObject(resource, 1, blobId, size));
    }

    @Test
    void aNumberIsThatOfOneObjectWhileItsResourceIsThere() throws IOException {
        assertThat(named(1, 5, name)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(2, 5, SIZE)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(named(1, 5, name)).as("taken").isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        assertThat(created(3, 5, SIZE)).as("used up").isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        assertThat(named(2, 5, name)).as("another context").isEqualTo(GpuWire.RESP_OK_NODATA);
        gpu.driver().unref(2).ok();
        assertThat(named(1, 5, NONE)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(2, 5, SIZE)).as("no such object").isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        assertThat(named(1, 5, name)).as("until then it may be given another").isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(2, 5, SIZE)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(gpu.driver().uuid(2)).isEqualTo(name);
    }

    @Test
    void aResourceIsNoLargerThanItsObjectAndNotInTheWindow() throws Exception {
        UUID odd = new UUID(3, 4);
        try (MemoryPool pool = MemoryPool.open(FileMappings.ofProcess(), 4096, 1, false)) {
            DmaBuf buffer = core.export("odd", 100, pool);
            core.exported().add(odd, buffer);
            assertThat(named(1, 5, odd)).isEqualTo(GpuWire.RESP_OK_NODATA);
            for (long size : new long[]{ 0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 4095, 8192 })
                assertThat(created(2, 5, size)).as("%d bytes", size).isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
            assertThat(answer(GpuCommands.createOfObject(2, 1, 5, 4096).putInt(GpuWire.CREATE_BLOB_FLAGS,
                    GpuWire.BLOB_MAPPABLE))).isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
            assertThat(answer(GpuCommands.createHostBlob(2, 1, 5, 4096, gpu.ram().allocateScattered(4096))))
                    .as("with guest pages").isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
            assertThat(answer(GpuCommands.createOfObject(2, 3, 5, 4096)))
                    .isEqualTo(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
            assertThat(answer(GpuCommands.createOfObject(OBJECT, 1, 5, 4096)))
                    .isEqualTo(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
            assertThat(created(2, 5, 4096)).as("its last page is incomplete").isEqualTo(GpuWire.RESP_OK_NODATA);
            gpu.driver().mapBlob(2, 0).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
            show(2, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 5, 5)).ok();
            show(2, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, 5, 6)).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
            gpu.driver().attachBacking(2, gpu.ram().allocateScattered(4096)).requireType(GpuWire.RESP_ERR_UNSPEC);
            gpu.driver().detachBacking(2).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
            gpu.driver().unref(2).ok();
            core.exported().remove(odd);
            buffer.release();
        }
    }

    private GpuResponse show(int resource, GpuBlobPicture picture) throws IOException {
        return gpu.driver().setScanoutBlob(0, resource, picture.all(), picture);
    }

    @Test
    void aStreamThatIsNotACommandNamesNothing() throws IOException {
        ByteBuffer two = ByteBuffer.allocate(GpuWire.SUBMIT_3D_BYTES + 2 * GpuWire.NAME_OBJECT_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN).put(GpuCommands.nameObject(1, 5, name))
                .put(GpuCommands.nameObject(1, 6, name).position(GpuWire.SUBMIT_3D_BYTES)).flip()
                .putInt(GpuWire.SUBMIT_3D_SIZE, 2 * GpuWire.NAME_OBJECT_BYTES);
        int second = GpuWire.SUBMIT_3D_BYTES + GpuWire.NAME_OBJECT_BYTES;
        for (int word : new int[]{ 0, -1, GpuWire.NAME_OBJECT + 1, GpuWire.NAME_OBJECT + 0x10000 })
            assertThat(answer(two.putInt(second, word))).isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        two.putInt(second, GpuWire.NAME_OBJECT);
        for (int size : new int[]{ 4, 24, 30, 52, 60, -4, Integer.MAX_VALUE, Integer.MIN_VALUE })
            assertThat(answer(two.putInt(GpuWire.SUBMIT_3D_SIZE, size))).as("%d bytes", size)
                    .isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        assertThat(named(1, 0, name)).isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        assertThat(named(3, 5, name)).isEqualTo(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        assertThat(gpu.backEnd().share().used(Resource.HEAP)).as("names").isEqualTo(heapWithObject);
        assertThat(answer(two.putInt(GpuWire.SUBMIT_3D_SIZE, 0))).as("nothing is no error")
                .isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(answer(two.putInt(GpuWire.SUBMIT_3D_SIZE, 56))).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(2, 5, SIZE)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(3, 6, SIZE)).isEqualTo(GpuWire.RESP_OK_NODATA);
    }

    @Test
    void namesAreLimited() throws IOException {
        for (int i = 1; i <= Contexts.MOST_NAMED; i++)
            assertThat(named(1 + i % 2, i, name)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(named(1, -1, name)).isEqualTo(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        assertThat(named(1, 2, NONE)).as("no more of them").isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(2, 4, SIZE)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(named(1, -1, name)).isEqualTo(GpuWire.RESP_OK_NODATA);
    }

    /** Taken away while it is shown: black, one finding, and an error at the next use. */
    @Test
    void anObjectThatEndsIsBlack() throws IOException {
        gpu.driver().createOfObject(2, name, SIZE).ok();
        gpu.driver().setScanoutBlob(0, 2, PICTURE.all(), PICTURE).ok();
        gpu.driver().flush(2, PICTURE.all()).ok();
        gpu.display().await(Update.class, 1);
        assertThat(findings.errors()).isEmpty();
        gpu.driver().unref(OBJECT).ok();
        for (int i = 0; i < 3; i++) gpu.driver().flush(2, PICTURE.all()).requireType(GpuWire.RESP_ERR_UNSPEC);
        assertThat(findings.all().stream().filter(found -> found.finding().rule() == Rule.SHOWN_WITHOUT_MEMORY))
                .singleElement()
                .satisfies(found -> assertThat(found.toString()).contains("resource 2"));
        assertThat(named(1, 3, name)).isEqualTo(GpuWire.RESP_OK_NODATA);
        assertThat(created(3, 3, SIZE)).isEqualTo(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().unref(2).ok();
    }

    @Test
    void aGuestWithoutContextsNamesNothing() throws IOException {
        gpu.driver().call(GpuCommands.destroyContext(1)).ok();
        assertThat(named(1, 5, name)).isEqualTo(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        gpu.driver().createContext(1).ok();
        try (AttachedGpu plain = AttachedGpu.startWithBlobs(GuestVariant.USUAL)) {
            plain.driver().call(GpuCommands.nameObject(1, 5, name)).requireType(GpuWire.RESP_ERR_UNSPEC);
        }
    }
}
