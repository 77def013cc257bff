package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DisplayMessage.CursorUpdate;
import sluice.vdev.fixture.DisplayMessage.Scanout;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.BlobCanvas;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/** What the guest draws in a blob is what the display shows, and nobody has copied it for that. */
@Tag("loopback")
@ParameterizedClass
@MethodSource("guests")
class BlobLoopbackTest {
    private static final int W = 100;
    private static final int H = 80;
    private static final long SEED = 20261130;

    private final GuestVariant guest;
    private AttachedGpu gpu;

    BlobLoopbackTest(GuestVariant guest) {
        this.guest = guest;
    }

    /** Over vhost-user, to which vhost-user-test-device-pci passes all feature bits, and over vfio-user. */
    static List<GuestVariant> guests() {
        return List.of(GuestVariant.USUAL, GuestVariant.overVfioUser().toList().getLast());
    }

    @BeforeEach
    void start() throws IOException {
        gpu = AttachedGpu.startWithBlobs(guest);
    }

    @AfterEach
    void end() {
        gpu.close();
    }

    private int[] shown(int scanout, int updates) {
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(scanout).pixels();
    }

    private BlobCanvas canvas(int resource, GpuBlobPicture picture) throws IOException {
        return BlobCanvas.create(gpu, resource, picture);
    }

    @ParameterizedTest
    @EnumSource
    void everyFormatArrivesWithItsColoursFromAnyOffsetAndStride(PictureLoopbackTest.Format format) throws IOException {
        BlobCanvas canvas = canvas(1, new GpuBlobPicture(format.number, W, H, W * 4 + 36, 5003));
        int[] rgb = Canvas.noise(W * H, SEED);
        canvas.draw(Arrays.stream(rgb).map(format::encode).toArray());
        canvas.show(0);
        canvas.flush();
        assertThat(shown(0, 1)).isEqualTo(rgb);
        assertThat(gpu.backEnd().statistic(GpuStatistics::transferBytes)).isZero();
        assertThat(gpu.backEnd().statistic(GpuStatistics::updateBytes)).isZero();
        assertThat(gpu.backEnd().statistic(GpuStatistics::observerBytes)).isEqualTo(W * H * 4);
    }

    @Test
    void flippingPagesShowsEachAndTellsTheSizeOnce() throws IOException {
        GpuBlobPicture picture = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
        BlobCanvas front = canvas(1, picture);
        BlobCanvas back = canvas(2, picture);
        for (int frame = 0; frame < 6; frame++) {
            BlobCanvas canvas = frame % 2 == 0 ? front : back;
            int[] rgb = Canvas.noise(W * H, frame);
            canvas.draw(rgb);
            canvas.show(0);
            canvas.flush();
            assertThat(shown(0, frame + 1)).isEqualTo(rgb);
        }
        assertThat(gpu.display().messages(Scanout.class)).containsExactly(new Scanout(0, W, H));
        assertThat(gpu.backEnd().statistic(GpuStatistics::frames)).isEqualTo(6);
    }

    @Test
    void aScanoutShowsItsPartAndAFlushItsRectangle() throws IOException {
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
        int[] rgb = Canvas.noise(W * H, SEED);
        canvas.draw(rgb);
        GpuRect right = new GpuRect(50, 10, 50, 60);
        canvas.show(0);
        gpu.driver().setScanoutBlob(1, 1, right, canvas.picture()).ok();
        // What lies outside of what is shown is no error: a blob has no size of its own in pixels.
        gpu.driver().flush(1, new GpuRect(0, 0, 5000, 5000)).ok();
        gpu.display().await(Update.class, 2);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(rgb);
        assertThat(gpu.display().picture(1).pixels()).isEqualTo(canvas.crop(rgb, right));

        int[] second = Canvas.noise(W * H, SEED + 1);
        canvas.draw(second);
        gpu.driver().flush(1, new GpuRect(60, 20, 20, 30)).ok();
        gpu.display().await(Update.class, 4);
        int[] expected = rgb.clone();
        for (int y = 20; y < 50; y++) System.arraycopy(second, y * W + 60, expected, y * W + 60, 20);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(expected);
        assertThat(gpu.display().picture(1).pixels()).isEqualTo(canvas.crop(expected, right));
        gpu.driver().flush(1, new GpuRect(W, H, 10, 10)).ok();
        assertThat(gpu.display().messages(Update.class)).hasSize(4);
    }

    @Test
    void nothingIsReadOfWhatNobodyLooksAt() throws IOException {
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
        gpu.closeDisplay();
        gpu.backEnd().onLoop(() -> "the display has gone");
        for (int frame = 0; frame < 3; frame++) {
            canvas.show(0);
            canvas.flush();
        }
        assertThat(gpu.backEnd().statistic(GpuStatistics::frames)).isEqualTo(3);
        assertThat(gpu.backEnd().statistic(GpuStatistics::observerBytes)).isZero();
    }

    @Test
    void aTransferIsRedundantAndCounted() throws IOException {
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
        gpu.driver().transferToHost2d(1, canvas.picture().all(), 0).ok();
        assertThat(gpu.backEnd().statistic(GpuStatistics::redundantTransfers)).isEqualTo(1);
        assertThat(gpu.backEnd().statistic(GpuStatistics::transferBytes)).isZero();
    }

    @Test
    void aCursorIsTheFirstBytesOfABlob() throws IOException {
        GpuBlobPicture picture = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8A8, 64, 64);
        BlobCanvas canvas = canvas(1, picture);
        int[] pixels = Canvas.noise(64 * 64, SEED);
        canvas.draw(pixels);
        gpu.driver().cursor(GpuCommands.updateCursor(0, 3, 4, 1, 5, 6));
        gpu.display().await(CursorUpdate.class, 1);
        assertThat(gpu.display().cursor(0).pixels()).isEqualTo(pixels);
        assertThat(gpu.backEnd().statistic(GpuStatistics::cursorBytes)).isZero();
    }

    @Test
    void pagesThatAreTakenAwayWhileTheyAreShownAreBlackUntilOthersCome() throws IOException {
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
        int[] rgb = Canvas.noise(W * H, SEED);
        canvas.draw(rgb);
        canvas.show(0);
        gpu.driver().detachBacking(1).ok();
        canvas.flush();
        assertThat(shown(0, 1)).containsOnly(0);
        canvas.tryShow(0).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        gpu.driver().attachBacking(1, canvas.backing().subList(0, 1))
                .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().attachBacking(1, canvas.backing()).ok();
        canvas.flush();
        assertThat(shown(0, 2)).isEqualTo(rgb);
    }

    @Test
    void unrefOfWhatIsShownSwitchesItOffAndGivesAllBack() throws IOException {
        for (int round = 0; round < 3; round++) {
            BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
            canvas.show(0);
            canvas.flush();
            gpu.driver().unref(1).ok();
            gpu.display().await(Scanout.class, 2 * round + 2);
            assertThat(gpu.display().messages(Scanout.class).getLast()).isEqualTo(new Scanout(0, 0, 0));
            gpu.driver().flush(1, canvas.picture().all()).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
            canvas.freePages();
        }
    }

    /** The display has not taken the pixels when the guest removes the blob and gives its pages to something else. */
    @Test
    void aBlobRemovedWhileItIsFlushedIsShownAsItWas() throws IOException {
        int width = 1280;
        int height = 800; // more than sockets keep
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, width, height));
        int[] rgb = Canvas.noise(width * height, SEED);
        canvas.draw(rgb);
        canvas.show(0);
        gpu.display().await(Scanout.class, 1);
        gpu.display().pause();
        ByteBuffer flush = GpuCommands.flush(1, canvas.picture().all());
        GpuDriver.Pending flushed = gpu.driver().begin(flush, GpuWire.HDR_BYTES);
        GpuDriver.Pending removed = gpu.driver().begin(GpuCommands.unref(1), GpuWire.HDR_BYTES);
        GpuDriver.Pending late = gpu.driver().begin(flush.duplicate().order(ByteOrder.LITTLE_ENDIAN),
                GpuWire.HDR_BYTES);
        gpu.backEnd().onLoop(() -> "the device has seen them");
        gpu.display().resume();
        gpu.driver().await(flushed).ok();
        gpu.driver().await(removed).ok();
        gpu.driver().await(late).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        assertThat(gpu.display().await(Scanout.class, 2).getLast()).isEqualTo(new Scanout(0, 0, 0));
        ByteBuffer bytes = ByteBuffer.allocate(rgb.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(rgb);
        CRC32 crc = new CRC32();
        crc.update(bytes);
        assertThat(gpu.display().await(Update.class, 1).getFirst().crc()).isEqualTo(crc.getValue());
        canvas.freePages();
    }

    @Test
    void aBlobThatCannotBeIsAnswered() throws IOException {
        List<Buffer> pages = gpu.ram().allocateScattered(8192);
        create(1, 0, pages, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, Long.MIN_VALUE, pages, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, Long.MAX_VALUE, pages, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, 8193, pages, GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(0, 8192, pages, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        create(1, 8192, List.of(), GpuWire.RESP_ERR_INVALID_PARAMETER);
        create(1, 4096, List.of(new Buffer(1L << 50, 4096)), GpuWire.RESP_ERR_UNSPEC);
        ByteBuffer strange = GpuCommands.createBlob(1, 8192, pages);
        gpu.driver().call(strange.duplicate().order(ByteOrder.LITTLE_ENDIAN).putInt(GpuWire.CREATE_BLOB_FLAGS, 8))
                .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        for (int memory : new int[]{ 0, 4, -1 }) {
            gpu.driver().call(GpuCommands.createBlob(1, 8192, pages).putInt(GpuWire.CREATE_BLOB_MEMORY, memory))
                    .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        }
        gpu.driver().call(GpuCommands.createBlob(1, 8192, pages).putInt(GpuWire.CREATE_BLOB_COUNT, pages.size() + 1))
                .requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
        gpu.driver().call(GpuCommands.createBlob(1, 8192, pages).putInt(GpuWire.CREATE_BLOB_COUNT, -1))
                .requireType(GpuWire.RESP_ERR_UNSPEC);
        gpu.driver().createBlob(1, 8192, pages).ok();
        create(1, 8192, pages, GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        gpu.driver().attachBacking(1, pages).requireType(GpuWire.RESP_ERR_UNSPEC);
        gpu.driver().setScanout(0, 1, GpuRect.of(10, 10)).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
    }

    private void create(int resource, long size, List<Buffer> pages, int expected) throws IOException {
        gpu.driver().createBlob(resource, size, pages).requireType(expected);
    }

    @Test
    void aPictureThatIsNotInTheBlobIsAnswered() throws IOException {
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
        Canvas copy = gpu.canvas(2, GpuWire.FORMAT_B8G8R8X8, W, H);
        GpuRect all = canvas.picture().all();
        int wide = 4 * W;
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, H, wide - 1, 0));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, H, 0, 0));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, H, -1, 0));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, H, wide, -4));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, H, wide, 4096));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, H + 100, wide, 0));
        picture(all, new GpuBlobPicture(0, W, H, wide, 0));
        picture(all, new GpuBlobPicture(5, W, H, wide, 0));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, 0, H, wide, 0));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, W, 0, wide, 0));
        picture(all, new GpuBlobPicture(GpuWire.FORMAT_B8G8R8X8, -1, 1, -1, 0));
        picture(GpuRect.of(W + 1, H), canvas.picture());
        picture(new GpuRect(-1, 0, 1, 1), canvas.picture());
        picture(GpuRect.of(0, H), canvas.picture());
        gpu.driver().setScanoutBlob(16, 1, all, canvas.picture()).requireType(GpuWire.RESP_ERR_INVALID_SCANOUT_ID);
        gpu.driver().setScanoutBlob(0, 7, all, canvas.picture()).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        gpu.driver().setScanoutBlob(0, copy.resource(), all, canvas.picture())
                .requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        gpu.driver().setScanoutBlob(0, 0, GpuRect.of(0, 0), canvas.picture()).ok();
        canvas.show(0);
        gpu.driver().setScanoutBlob(0, 0, GpuRect.of(0, 0), canvas.picture()).ok();
        gpu.display().await(Scanout.class, 2);
        assertThat(gpu.display().messages(Scanout.class)).containsExactly(new Scanout(0, W, H), new Scanout(0, 0, 0));
    }

    private void picture(GpuRect rect, GpuBlobPicture picture) throws IOException {
        gpu.driver().setScanoutBlob(0, 1, rect, picture).requireType(GpuWire.RESP_ERR_INVALID_PARAMETER);
    }

    @Test
    void aDriverThatResetsItsDeviceLeavesNothing() throws IOException {
        BlobCanvas canvas = canvas(1, GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H));
        canvas.show(0);
        gpu.reset();
        gpu.resume();
        BlobCanvas again = canvas(1, canvas.picture());
        int[] rgb = Canvas.noise(W * H, SEED);
        again.draw(rgb);
        again.show(0);
        again.flush();
        assertThat(shown(0, 1)).isEqualTo(rgb);
    }
}
