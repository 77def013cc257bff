package sluice.vdev.gpu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DisplayMessage.CursorUpdate;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/** Host memory as blobs: what the guest writes in its window is what the display shows. */
@Tag("loopback")
@ParameterizedClass
@MethodSource("guests")
class HostBlobLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    private static final long PAGE = 4096;
    /** Three pages. */
    private static final long SIZE = PICTURE.end();
    private static final long WINDOW = 1 << 20;
    private static final int CONTEXT = 1;

    private final GuestVariant guest;
    private AttachedGpu gpu;
    private long heapAtFirst;

    HostBlobLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    static Stream<GuestVariant> guests() {
        return Stream.of(GuestVariant.USUAL, GuestVariant.overVfioUser().toList().getLast());
    }

    @BeforeEach
    void start() throws IOException {
        gpu = AttachedGpu.startWithHostBlobs(guest, WINDOW);
        heapAtFirst = gpu.backEnd().share().used(Resource.HEAP);
    }

    /** Whatever a test has done: without its resources nothing is left. */
    @AfterEach
    void end() throws IOException {
        for (int id = 1; id <= 8; id++) gpu.driver().unref(id);
        assertThat(gpu.backEnd().share().used(Resource.HEAP)).isEqualTo(heapAtFirst);
        assertThat(gpu.backEnd().window().mismatch(MemorySegment.ofArray(new byte[(int) WINDOW])))
                .as("a byte of a destroyed blob in the window").isEqualTo(-1);
        gpu.close();
    }

    /** RESOURCE_MAP_BLOB; the first has the window mapped, which a front-end over vhost-user is asked for. */
    private GpuResponse map(int resource, long offset) throws IOException {
        GpuDriver.Pending sent = gpu.driver().begin(GpuCommands.mapBlob(resource, offset), GpuWire.MAP_INFO_BYTES);
        if (guest.bus() == GuestVariant.Bus.VHOST_USER && !asked) answer(0);
        asked = true;
        return gpu.driver().await(sent);
    }

    private boolean asked;

    private void answer(int status) {
        try {
            BackEndChannel.Request request = gpu.session().channel().receive(Deadline.USUAL);
            assertThat(request.request()).isEqualTo(BackEndChannel.SHMEM_MAP);
            assertThat(request.payload().get(0)).as("VIRTIO_GPU_SHM_ID_HOST_VISIBLE").isEqualTo((byte) 1);
            assertThat(request.payload().getLong(24)).as("all of it at once").isEqualTo(WINDOW);
            request.fds().forEach(Fd::close);
            gpu.session().channel().reply(request, status);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** As the guest does, in the window. */
    private int[] draw(long offset, int seed) {
        int[] rgb = Canvas.noise(W * H, seed);
        MemorySegment.copy(rgb, 0, gpu.backEnd().window(), ValueLayout.JAVA_INT_UNALIGNED, offset, rgb.length);
        return rgb;
    }

    private void show(int resource) throws IOException {
        gpu.driver().setScanoutBlob(0, resource, PICTURE.all(), PICTURE).ok();
    }

    private int[] flushed(int resource, int updates) throws IOException {
        gpu.driver().flush(resource, PICTURE.all()).ok();
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(0).pixels();
    }

    private long used() {
        return gpu.backEnd().onLoop(() -> gpu.backEnd().device().windowUsed());
    }

    @Test
    void whatTheGuestDrawsInItsWindowIsShownWithoutACopy() throws IOException {
        gpu.driver().createHostBlob(1, SIZE).ok();
        gpu.driver().createHostBlob(2, SIZE).ok();
        assertThat(used()).as("nothing has used them").isZero();
        GpuResponse mapped = map(1, 8 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        assertThat(mapped.bytes().getInt(24)).as("VIRTIO_GPU_MAP_CACHE_CACHED").isEqualTo(1);
        map(2, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
        assertThat(used()).isEqualTo(6 * PAGE);
        for (int frame = 0; frame < 6; frame++) {
            int resource = 1 + frame % 2;
            int[] rgb = draw(resource == 1 ? 8 * PAGE : 0, frame);
            show(resource);
            assertThat(flushed(resource, frame + 1)).isEqualTo(rgb);
        }
        assertThat(gpu.backEnd().statistic(GpuStatistics::transferBytes)).isZero();
        assertThat(gpu.backEnd().statistic(GpuStatistics::movedBytes)).isZero();
    }

    @Test
    void aBlobThatIsShownFirstMovesToWhereItIsMapped() throws IOException {
        gpu.driver().createHostBlob(1, SIZE).ok();
        show(1);
        assertThat(flushed(1, 1)).as("its first use: black").containsOnly(0);
        assertThat(used()).isEqualTo(3 * PAGE);
        map(1, PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        assertThat(used()).as("where it was is free").isEqualTo(3 * PAGE);
        assertThat(gpu.backEnd().statistic(GpuStatistics::movedBytes)).isEqualTo(SIZE);
        int[] rgb = draw(PAGE, 1);
        assertThat(flushed(1, 2)).isEqualTo(rgb);
    }

    /** It keeps its bytes, also when another is mapped where it was, and when it is mapped over its own place. */
    @Test
    void anUnmappedBlobIsStillShownWhereverItGoes() throws IOException {
        gpu.driver().createHostBlob(1, SIZE).ok();
        gpu.driver().createHostBlob(2, SIZE).ok();
        map(1, 4 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        int[] rgb = draw(4 * PAGE, 1);
        show(1);
        assertThat(flushed(1, 1)).isEqualTo(rgb);
        gpu.driver().unmapBlob(1).ok();
        assertThat(flushed(1, 2)).isEqualTo(rgb);
        map(2, 5 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        draw(5 * PAGE, 2);
        assertThat(flushed(1, 3)).as("it made room").isEqualTo(rgb);
        gpu.driver().unref(2).ok();
        map(1, 5 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        assertThat(flushed(1, 4)).isEqualTo(rgb);
        gpu.driver().unmapBlob(1).ok();
        map(1, 6 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        assertThat(flushed(1, 5)).as("over a part of itself").isEqualTo(rgb);
        assertThat(gpu.backEnd().window().get(ValueLayout.JAVA_BYTE, 5 * PAGE)).isZero();
    }

    @Test
    void whatIsFreedIsZeroForTheNext() throws IOException {
        for (int round = 0; round < 3; round++) {
            gpu.driver().createHostBlob(1, SIZE).ok();
            map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
            show(1);
            assertThat(flushed(1, 2 * round + 1)).containsOnly(0);
            int[] rgb = draw(0, round);
            assertThat(flushed(1, 2 * round + 2)).isEqualTo(rgb);
            gpu.driver().unref(1).ok();
            // The guest goes on writing where it has nothing any more.
            draw(0, round);
        }
        gpu.driver().createHostBlob(1, SIZE).ok();
        map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
    }

    @Test
    void theWindowIsTheLimit() throws IOException {
        gpu.driver().createHostBlob(1, WINDOW + PAGE).requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        gpu.driver().createHostBlob(1, WINDOW).ok();
        gpu.driver().createHostBlob(2, SIZE).ok();
        map(1, PAGE).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
        gpu.driver().setScanoutBlob(0, 2, PICTURE.all(), PICTURE).requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        map(2, PAGE).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().unmapBlob(1).ok();
        map(2, PAGE).requireType(GpuWire.RESP_ERR_OUT_OF_MEMORY);
        gpu.driver().unref(1).ok();
        map(2, PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
    }

    @Test
    void aMapThatCannotBeIsAnswered() throws IOException {
        gpu.driver().createHostBlob(1, SIZE).ok();
        gpu.driver().createHostBlob(2, SIZE).ok();
        map(9, 0).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        for (long offset : new long[]{ -PAGE, 1, Long.MIN_VALUE, Long.MAX_VALUE & -PAGE, WINDOW - 2 * PAGE, WINDOW })
            map(1, offset).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().unmapBlob(1).requireType(GpuWire.RESP_ERR_UNSPEC);
        map(1, 2 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        map(1, 8 * PAGE).requireType(GpuWire.RESP_ERR_UNSPEC);
        for (long offset : new long[]{ 0, 2 * PAGE, 4 * PAGE })
            map(2, offset).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        map(2, 5 * PAGE).requireType(GpuWire.RESP_OK_MAP_INFO);
        gpu.driver().unmapBlob(1).ok();
        gpu.driver().unmapBlob(1).requireType(GpuWire.RESP_ERR_UNSPEC);
        gpu.driver().unmapBlob(9).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        ByteBuffer hidden = GpuCommands.createHostBlob(3, CONTEXT, 0, SIZE, List.of())
                .putInt(GpuWire.CREATE_BLOB_FLAGS, 0);
        gpu.driver().call(hidden).ok();
        map(3, 16 * PAGE).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        List<Buffer> pages = gpu.ram().allocateScattered(PAGE);
        gpu.driver().createBlob(4, PAGE, pages).ok();
        map(4, 16 * PAGE).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
    }

    @Test
    void aHostBlobThatCannotBeIsAnswered() throws IOException {
        create(1, 2, 0, SIZE, GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        create(1, CONTEXT, 0, 0, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, CONTEXT, 0, 100, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, CONTEXT, 0, Long.MIN_VALUE, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, CONTEXT, 0, Long.MAX_VALUE & -PAGE, GpuWire.RESP_ERR_OUT_OF_MEMORY);
        create(0, CONTEXT, 0, SIZE, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        ByteBuffer entries = GpuCommands.createHostBlob(1, CONTEXT, 0, SIZE, gpu.ram().allocateScattered(SIZE))
                .putInt(GpuWire.CREATE_BLOB_MEMORY, GpuWire.BLOB_MEM_HOST3D);
        gpu.driver().call(entries).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, CONTEXT, 77, SIZE, GpuWire.RESP_OK_NODATA);
        create(2, CONTEXT, 77, SIZE, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, CONTEXT, 78, SIZE, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        gpu.driver().call(GpuCommands.createContext(2, 0)).ok();
        create(2, 2, 77, SIZE, GpuWire.RESP_OK_NODATA);
        gpu.driver().unref(1).ok();
        create(1, CONTEXT, 77, SIZE, GpuWire.RESP_OK_NODATA);
        gpu.driver().call(GpuCommands.destroyContext(2)).ok();
        gpu.driver().unref(2).ok();
    }

    private void create(int resource, int context, long blobId, long size, int expected) throws IOException {
        gpu.driver().call(GpuCommands.createHostBlob(resource, context, blobId, size, List.of()))
                .requireType(expected);
    }

    @Test
    void contextsOwnResourcesAndNothingElse() throws IOException {
        GpuDriver driver = gpu.driver();
        driver.createContext(CONTEXT).requireType(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        driver.createContext(0).requireType(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        driver.call(GpuCommands.createContext(2, 1)).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        driver.call(GpuCommands.createContext(2, 0x100 | GpuWire.CAPSET_OF_OURS))
                .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        driver.call(GpuCommands.createContext(2, GpuWire.CAPSET_OF_OURS).putInt(GpuWire.CTX_CREATE_NAME_LENGTH, 65))
                .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        driver.createContext(2).ok();
        driver.createHostBlob(1, SIZE).ok();
        context(GpuWire.CMD_CTX_ATTACH_RESOURCE, 2, 1, GpuWire.RESP_OK_NODATA);
        context(GpuWire.CMD_CTX_ATTACH_RESOURCE, 2, 1, GpuWire.RESP_OK_NODATA);
        context(GpuWire.CMD_CTX_ATTACH_RESOURCE, 2, 9, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        context(GpuWire.CMD_CTX_ATTACH_RESOURCE, 3, 1, GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        context(GpuWire.CMD_CTX_DETACH_RESOURCE, 3, 1, GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        context(GpuWire.CMD_CTX_DETACH_RESOURCE, 2, 1, GpuWire.RESP_OK_NODATA);
        context(GpuWire.CMD_CTX_DETACH_RESOURCE, 2, 1, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        context(GpuWire.CMD_CTX_ATTACH_RESOURCE, 2, 1, GpuWire.RESP_OK_NODATA);
        driver.unref(1).ok();
        context(GpuWire.CMD_CTX_DETACH_RESOURCE, 2, 1, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        driver.call(GpuCommands.destroyContext(2)).ok();
        driver.call(GpuCommands.destroyContext(2)).requireType(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        driver.call(GpuCommands.bare(GpuWire.CMD_SUBMIT_3D, 64)).requireType(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
    }

    private void context(int type, int context, int resource, int expected) throws IOException {
        gpu.driver().call(GpuCommands.ofContext(type, context, resource)).requireType(expected);
    }

    @Test
    void theTypeOfContextsIsTold() throws IOException {
        GpuDriver driver = gpu.driver();
        assertThat(driver.call(GpuCommands.bare(GpuWire.CMD_GET_CAPSET_INFO, GpuWire.CAPSET_BYTES),
                GpuWire.CAPSET_INFO_BYTES).requireType(GpuWire.RESP_OK_CAPSET_INFO).bytes()
                .getInt(GpuWire.CAPSET_INFO_ID)).isEqualTo(GpuWire.CAPSET_OF_OURS);
        driver.call(GpuCommands.bare(GpuWire.CMD_GET_CAPSET_INFO, GpuWire.CAPSET_BYTES).putInt(GpuWire.CAPSET_ID, 1))
                .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        assertThat(driver.call(capset(GpuWire.CAPSET_OF_OURS, 1), GpuWire.CAPSET_DATA_BYTES)
                .requireType(GpuWire.RESP_OK_CAPSET).bytes()
                .getLong(GpuWire.CAPSET_WINDOW)).isEqualTo(WINDOW);
        driver.call(capset(GpuWire.CAPSET_OF_OURS, 2)).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        driver.call(capset(1, 1)).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
    }

    private static ByteBuffer capset(int id, int version) {
        return GpuCommands.bare(GpuWire.CMD_GET_CAPSET, GpuWire.CAPSET_BYTES).putInt(GpuWire.CAPSET_ID, id)
                .putInt(GpuWire.CAPSET_VERSION, version);
    }

    @Test
    void bytesOfTheGuestsPagesAreTransferredToTheHosts() throws IOException {
        List<Buffer> pages = gpu.ram().allocateScattered(SIZE);
        gpu.driver().call(GpuCommands.createHostBlob(1, CONTEXT, 0, SIZE, pages)).ok();
        int[] rgb = Canvas.noise(W * H, 3);
        ByteBuffer bytes = ByteBuffer.allocate(4 * rgb.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(rgb);
        gpu.ram().write(pages, 0, bytes);
        show(1);
        assertThat(flushed(1, 1)).as("not transferred").containsOnly(0);
        transfer(0, 5000, 0, GpuWire.RESP_OK_NODATA);
        transfer(5000, (int) SIZE - 5000, 5000, GpuWire.RESP_OK_NODATA);
        assertThat(flushed(1, 2)).isEqualTo(rgb);
        assertThat(gpu.backEnd().statistic(GpuStatistics::transferBytes)).isEqualTo(SIZE);
        transfer(1, (int) SIZE, 0, GpuWire.RESP_ERR_INVALID_PARAMETER);
        transfer(0, (int) SIZE, 1, GpuWire.RESP_ERR_INVALID_PARAMETER);
        transfer(0, 1, Long.MIN_VALUE, GpuWire.RESP_ERR_INVALID_PARAMETER);
        transfer(-1, -1, 0, GpuWire.RESP_ERR_INVALID_PARAMETER);
        transfer(0, 0, 0, GpuWire.RESP_OK_NODATA);
        gpu.driver().detachBacking(1).ok();
        transfer(0, 1, 0, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        assertThat(flushed(1, 3)).as("the host has its own").isEqualTo(rgb);
    }

    private void transfer(int at, int length, long offset, int expected) throws IOException {
        gpu.driver().call(GpuCommands.transferToHost3d(1, at, length, offset)).requireType(expected);
    }

    @Test
    void aCursorMayBeInHostMemory() throws IOException {
        gpu.driver().createHostBlob(1, 4 * PAGE).ok();
        map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
        int[] pixels = Canvas.noise(64 * 64, 4);
        MemorySegment.copy(pixels, 0, gpu.backEnd().window(), ValueLayout.JAVA_INT_UNALIGNED, 0, pixels.length);
        gpu.driver().cursor(GpuCommands.updateCursor(0, 3, 4, 1, 5, 6));
        gpu.display().await(CursorUpdate.class, 1);
        assertThat(gpu.display().cursor(0).pixels()).isEqualTo(pixels);
    }

    @Test
    void aUuidIsAnEntryAsLongAsItsResource() throws IOException {
        int before = exported();
        gpu.driver().createHostBlob(1, SIZE).ok();
        gpu.driver().createBlob(2, PAGE, gpu.ram().allocateScattered(PAGE)).ok();
        UUID host = gpu.driver().uuid(1);
        UUID pages = gpu.driver().uuid(2);
        assertThat(gpu.driver().uuid(1)).isEqualTo(host);
        assertThat(exported()).isEqualTo(before + 2);
        assertThat(gpu.backEnd().core().exported().find(pages)).isNotNull();
        gpu.driver().unref(1).ok();
        gpu.driver().detachBacking(2).ok();
        assertThat(exported()).isEqualTo(before);
        gpu.driver().attachBacking(2, gpu.ram().allocateScattered(PAGE)).ok();
        assertThat(gpu.backEnd().core().exported().find(pages)).as("the same name").isNotNull();
        gpu.reset();
        gpu.resume();
        assertThat(exported()).isEqualTo(before);
        gpu.driver().createContext(CONTEXT).ok();
    }

    private int exported() {
        return gpu.backEnd().core().exported().count();
    }

    @Test
    void aResetLeavesNothingAndHidesTheWindow() throws IOException {
        gpu.driver().createHostBlob(1, SIZE).ok();
        map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
        draw(0, 1);
        gpu.reset();
        assertThat(used()).isZero();
        gpu.resume();
        asked = false;
        gpu.driver().createHostBlob(1, SIZE).requireType(GpuWire.RESP_ERR_INVALID_CONTEXT_ID);
        gpu.driver().createContext(1).ok();
        gpu.driver().createHostBlob(1, SIZE).ok();
        map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
        show(1);
        assertThat(flushed(1, 1)).containsOnly(0);
    }

    @Test
    void aWindowThatTheFrontEndRefusesIsAnAnswer() throws IOException {
        if (guest.bus() != GuestVariant.Bus.VHOST_USER) return; // a BAR is always there
        gpu.driver().createHostBlob(1, SIZE).ok();
        GpuDriver.Pending sent = gpu.driver().begin(GpuCommands.mapBlob(1, 0), GpuWire.MAP_INFO_BYTES);
        answer(1);
        gpu.driver().await(sent).requireType(GpuWire.RESP_ERR_UNSPEC);
        assertThat(used()).isZero();
        map(1, 0).requireType(GpuWire.RESP_OK_MAP_INFO);
    }
}
