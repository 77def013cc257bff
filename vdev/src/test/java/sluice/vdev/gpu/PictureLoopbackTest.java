package sluice.vdev.gpu;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.DisplayMessage.Scanout;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/** What the guest draws is what the display shows, pixel by pixel, and only when the guest says so. */
class PictureLoopbackTest {
    private static final long SEED = 7;
    private static final int W = 100;
    private static final int H = 80;

    private AttachedGpu gpu;

    /** What the guest is like. */
    GuestVariant guest() {
        return GuestVariant.USUAL;
    }

    @BeforeEach
    void start() throws IOException {
        gpu = AttachedGpu.start(guest());
    }

    @AfterEach
    void end() {
        gpu.close();
    }

    private int[] shown(int scanout, int updates) {
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(scanout).pixels();
    }

    /** The formats by their number and by the place of red, green and blue among the four bytes of a pixel. */
    enum Format {
        B8G8R8A8(1, 2, 1, 0),
        B8G8R8X8(2, 2, 1, 0),
        A8R8G8B8(3, 1, 2, 3),
        X8R8G8B8(4, 1, 2, 3),
        R8G8B8A8(67, 0, 1,
                2),
        X8B8G8R8(68, 3, 2, 1),
        A8B8G8R8(121, 3, 2, 1),
        R8G8B8X8(134, 0, 1, 2);

        final int number;
        final int red;
        final int green;
        final int blue;

        Format(int number, int red, int green, int blue) {
            this.number = number;
            this.red = red;
            this.green = green;
            this.blue = blue;
        }

        /** A pixel as its four bytes lie in memory, the first lowest; the fourth byte is junk. */
        int encode(int rgb) {
            int junk = 0x5a << (8 * (6 - red - green - blue));
            return junk | (rgb >> 16 & 0xff) << (8 * red) | (rgb >> 8 & 0xff) << (8 * green)
                    | (rgb & 0xff) << (8 * blue);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyFormatArrivesWithItsColours(Format format) throws IOException {
        Canvas canvas = gpu.canvas(1, format.number, W, H);
        int[] rgb = Canvas.noise(W * H, SEED);
        canvas.draw(Arrays.stream(rgb).map(format::encode).toArray());
        canvas.show(0);
        canvas.transfer();
        canvas.flush();
        assertThat(shown(0, 1)).isEqualTo(rgb);
    }

    @ParameterizedTest
    @EnumSource
    void commandsArriveWhateverTheirChainsLookLike(ChainForm form) throws IOException {
        gpu.driver().control().form(form).pieces(13);
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 40, 30);
        int[] rgb = canvas.drawNoise(SEED);
        canvas.show(0);
        canvas.transfer();
        canvas.flush();
        assertThat(shown(0, 1)).isEqualTo(rgb);
    }

    @Test
    void aWriteAfterTransferIsInvisibleUntilTheNextTransfer() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        canvas.show(0);
        int[] first = canvas.drawNoise(1);
        canvas.transfer();
        int[] second = canvas.drawNoise(2);
        canvas.flush();
        assertThat(shown(0, 1)).isEqualTo(first);
        canvas.flush();
        assertThat(shown(0, 2)).isEqualTo(first);
        canvas.transfer();
        assertThat(shown(0, 2)).as("not flushed").isEqualTo(first);
        canvas.flush();
        assertThat(shown(0, 3)).isEqualTo(second);
    }

    @Test
    void aPartIsTransferredAndFlushedByItself() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        canvas.show(0);
        int[] expected = canvas.drawNoise(1);
        canvas.transfer();
        canvas.flush();
        int[] second = canvas.drawNoise(2);
        GpuRect part = new GpuRect(33, 17, 51, 44);
        canvas.transfer(part);
        gpu.driver().flush(1, part).ok();
        for (int y = 17; y < 17 + 44; y++) {
            System.arraycopy(second, y * W + 33, expected, y * W + 33, 51);
        }
        assertThat(shown(0, 2)).isEqualTo(expected);
        Update update = gpu.display().messages(Update.class).getLast();
        assertThat(List.of(update.x(), update.y(), update.width(), update.height())).containsExactly(33L, 17L, 51L,
                44L);
        canvas.flush();
        assertThat(shown(0, 3)).as("nothing else was transferred").isEqualTo(expected);
    }

    @Test
    void backingOfOddPiecesInAnOddFormat() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_X8R8G8B8, 4, 4);
        var page = canvas.backing().getFirst();
        gpu.driver().detachBacking(1).ok();
        // 64 bytes of pixels in pieces that cut pixels in two, the last longer than needed.
        gpu.driver().attachBacking(1, List.of(new Buffer(page.address(), 3),
                new Buffer(page.address() + 3, 7),
                new Buffer(page.address() + 10, 1),
                new Buffer(page.address() + 11, 100))).ok();
        int[] rgb = Canvas.noise(16, SEED);
        canvas.draw(Arrays.stream(rgb).map(Format.X8R8G8B8::encode).toArray());
        canvas.show(0);
        canvas.transfer();
        canvas.flush();
        assertThat(shown(0, 1)).isEqualTo(rgb);
    }

    @Test
    void flippingPagesTellsTheSizeOnce() throws IOException {
        Canvas front = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        Canvas back = gpu.canvas(2, GpuWire.FORMAT_B8G8R8X8, W, H);
        Canvas small = gpu.canvas(3, GpuWire.FORMAT_B8G8R8X8, W, H - 1);
        for (int frame = 0; frame < 6; frame++) {
            Canvas canvas = frame % 2 == 0 ? front : back;
            int[] rgb = canvas.drawNoise(frame);
            canvas.transfer();
            canvas.show(0);
            canvas.flush();
            assertThat(shown(0, frame + 1)).isEqualTo(rgb);
        }
        assertThat(gpu.display().messages(Scanout.class)).containsExactly(new Scanout(0, W, H));
        small.show(0);
        gpu.driver().setScanout(0, 0, GpuRect.of(0, 0)).ok();
        gpu.driver().setScanout(0, 0, GpuRect.of(0, 0)).ok();
        front.show(0);
        assertThat(gpu.display().await(Scanout.class, 4)).containsExactly(new Scanout(0, W, H),
                new Scanout(0, W, H - 1), new Scanout(0, 0, 0), new Scanout(0, W, H));
    }

    @Test
    void aScanoutShowsItsRectangleOfABiggerResource() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] rgb = canvas.drawNoise(SEED);
        canvas.transfer();
        GpuRect left = new GpuRect(0, 0, 50, H);
        GpuRect right = new GpuRect(50, 10, 50, 60);
        gpu.driver().setScanout(0, 1, left).ok();
        gpu.driver().setScanout(1, 1, right).ok();
        gpu.driver().setScanout(15, 1, GpuRect.of(W, H)).ok();
        canvas.flush();
        gpu.display().await(Update.class, 3);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(canvas.crop(rgb, left));
        assertThat(gpu.display().picture(1).pixels()).isEqualTo(canvas.crop(rgb, right));
        assertThat(gpu.display().picture(15).pixels()).isEqualTo(rgb);

        // A flush that touches two of the three, one of them in part.
        int[] second = canvas.drawNoise(SEED + 1);
        GpuRect part = new GpuRect(60, 0, 20, 40);
        canvas.transfer(part);
        gpu.driver().flush(1, part).ok();
        List<Update> updates = gpu.display().await(Update.class, 5);
        assertThat(updates.subList(3, 5)).extracting(Update::scanout, Update::x, Update::y, Update::width,
                Update::height).containsExactly(Tuple.tuple(1L, 10L, 0L, 20L, 30L),
                        Tuple.tuple(15L, 60L, 0L, 20L, 40L));
        int[] expected = rgb.clone();
        for (int y = 0; y < 40; y++) {
            System.arraycopy(second, y * W + 60, expected, y * W + 60, 20);
        }
        assertThat(gpu.display().picture(15).pixels()).isEqualTo(expected);
        assertThat(gpu.display().picture(1).pixels()).isEqualTo(canvas.crop(expected, right));
    }

    @Test
    void unrefOfWhatIsShownSwitchesItOff() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        Canvas other = gpu.canvas(2, GpuWire.FORMAT_B8G8R8X8, W, H);
        canvas.show(0);
        other.show(1);
        canvas.show(2);
        gpu.driver().unref(1).ok();
        gpu.display().await(Scanout.class, 5);
        assertThat(gpu.display().messages(Scanout.class).subList(3, 5)).containsExactlyInAnyOrder(new Scanout(0, 0, 0),
                new Scanout(2, 0, 0));
        assertThat(gpu.display().shows(1)).isTrue();
        gpu.driver().flush(1, canvas.all()).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        other.flush();
        gpu.display().await(Update.class, 1);
    }

    @Test
    void aFlushOfWhatNobodyShowsIsFine() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        canvas.flush();
        canvas.show(0);
        gpu.driver().flush(1, new GpuRect(5, 5, 0, 0)).ok();
        gpu.display().await(Scanout.class, 1);
        assertThat(gpu.display().messages(Update.class)).isEmpty();
        assertThat(gpu.backEnd().statistic(GpuStatistics::frames)).isZero();
    }
}
