package sluice.vdev.display;

import java.io.IOException;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage;
import sluice.vdev.fixture.DisplayMessage.DmabufScanout;
import sluice.vdev.fixture.DisplayMessage.DmabufUpdate;
import sluice.vdev.fixture.DisplayMessage.Scanout;
import sluice.vdev.fixture.DisplayMessage.SetProtocolFeatures;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.gpu.HostImage;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Pictures that a display reads in place. Hosts of these tests have no {@code /dev/udmabuf}: the descriptor is that of
 * the memory file, of which the kernel would make a dma-buf. That it does, for such a file, is tested in guests
 * ({@code UdmabufTest}).
 */
class DmabufLoopbackTest {
    private static final int W = 400;
    private static final int H = 300;
    /** DRM_FORMAT_XRGB8888. */
    private static final int XR24 = 0x34325258;

    /** Instead of the kernel: the file itself. */
    private static class MemoryFiles implements HostImage.Dmabufs {
        @Override
        public Fd export(Fd memfd, long bytes) throws ErrnoException {
            return memfd.duplicate();
        }

        @Override
        public void syncForDisplay(Fd dmabuf) {
            // Nothing caches a file apart from its mappings.
        }
    }

    /** As a kernel whose limit is exceeded. */
    private static final class TooLarge extends MemoryFiles {
        @Override
        public Fd export(Fd memfd, long bytes) throws ErrnoException {
            throw new ErrnoException("UDMABUF_CREATE", Errno.EINVAL);
        }
    }

    private @Nullable AttachedGpu started;

    private AttachedGpu gpu() {
        return Objects.requireNonNull(started, "a test starts it");
    }

    private void start(HostImage.Dmabufs dmabufs) throws IOException {
        AttachedGpu gpu = AttachedGpu.attached(GpuBackEnd.withDmabufs(GpuOptions.defaults(), dmabufs),
                GuestRam.single(32 << 20, 1),
                Profile.qemu10());
        gpu.session().attach();
        gpu.resume();
        started = gpu;
        gpu.driver().getEdid(0); // behind the display's features
    }

    @AfterEach
    void end() {
        if (started != null) started.close();
    }

    private long copied() {
        return gpu().backEnd().statistic(GpuStatistics::updateBytes);
    }

    @Test
    void theDisplayReadsThePictureInPlace() throws IOException {
        start(new MemoryFiles());
        Canvas canvas = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        gpu().display().await(DmabufUpdate.class, 1);
        assertThat(gpu().display().messages(SetProtocolFeatures.class)).containsExactly(new SetProtocolFeatures(3));
        assertThat(gpu().display().messages(Scanout.class)).containsExactly(new Scanout(0, W, H));
        assertThat(gpu().display().messages(DmabufScanout.class))
                .containsExactly(new DmabufScanout(0, 0, 0, W, H, W, H, 4 * W, 0, XR24, 0, true));
        assertThat(gpu().display().messages(DmabufUpdate.class)).containsExactly(new DmabufUpdate(0, 0, 0, W, H));
        assertThat(gpu().display().shared(0).pixels()).isEqualTo(pixels);
        pixels = canvas.drawNoise(2);
        GpuRect part = new GpuRect(30, 20, 100, 50);
        canvas.transfer();
        gpu().driver().flush(1, part).ok();
        gpu().display().await(DmabufUpdate.class, 2);
        assertThat(gpu().display().messages(DmabufUpdate.class)).contains(new DmabufUpdate(0, 30, 20, 100, 50));
        assertThat(gpu().display().messages(DmabufScanout.class)).hasSize(1);
        assertThat(gpu().display().shared(0).pixels()).isEqualTo(pixels);
        assertThat(gpu().display().messages(Update.class)).isEmpty();
        assertThat(copied()).isZero();
    }

    @Test
    void aPartOfAResourceIsItsPlaceInTheBuffer() throws IOException {
        start(new MemoryFiles());
        Canvas canvas = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        GpuRect part = new GpuRect(100, 60, 200, 100);
        gpu().driver().setScanout(3, 1, part).ok();
        canvas.flush();
        gpu().display().await(DmabufUpdate.class, 1);
        assertThat(gpu().display().messages(DmabufScanout.class))
                .containsExactly(new DmabufScanout(3, 100, 60, 200, 100, W, H, 4 * W, 0, XR24, 0, true));
        assertThat(gpu().display().shared(3).pixels()).isEqualTo(canvas.crop(pixels, part));
    }

    /** Each flush is done at once; what changes meanwhile is one update. */
    @Test
    void oneUpdateIsUnderWay() throws IOException {
        start(new MemoryFiles());
        gpu().display().holdFlips();
        Canvas canvas = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        gpu().display().await(DmabufUpdate.class, 1);
        for (int i = 0; i < 10; i++) gpu().driver().flush(1, new GpuRect(10 + i, 20 + i, 5, 5)).ok();
        assertThat(gpu().display().messages(DmabufUpdate.class)).hasSize(1);
        gpu().display().releaseFlip();
        assertThat(gpu().display().await(DmabufUpdate.class, 2).getLast())
                .isEqualTo(new DmabufUpdate(0, 10, 20, 14, 14));
        gpu().display().releaseFlip();
    }

    @Test
    void twoPicturesInTurnsAreTwoBuffers() throws IOException {
        start(new MemoryFiles());
        Canvas one = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        Canvas other = gpu().canvas(2, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[][] pixels = { one.drawNoise(1), other.drawNoise(2) };
        one.transfer();
        other.transfer();
        for (int flip = 0; flip < 6; flip++) {
            Canvas shown = flip % 2 == 0 ? one : other;
            shown.show(0);
            shown.flush();
            gpu().display().await(DmabufUpdate.class, flip + 1);
            assertThat(gpu().display().shared(0).pixels()).isEqualTo(pixels[flip % 2]);
        }
        int before = Fd.openCount();
        one.show(0);
        gpu().driver().unref(2).ok();
        assertThat(Fd.openCount()).as("the memory of a picture that is not shown any more is not held")
                .isEqualTo(before - 1);
        gpu().driver().unref(1).ok();
        gpu().display().await(Scanout.class, 2);
        assertThat(gpu().display().messages(Scanout.class)).containsExactly(new Scanout(0, W, H), new Scanout(0, 0, 0));
    }

    /** The guest goes on at once; after a while the display gets pixels, as one without this feature. */
    @Test
    void aDisplayThatNeverAnswersHoldsNothingUp() throws IOException {
        start(new MemoryFiles());
        gpu().display().holdFlips();
        Canvas canvas = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        canvas.flush();
        gpu().display().await(Update.class, 1);
        assertThat(gpu().display().picture(0).pixels()).isEqualTo(pixels);
        pixels = canvas.drawNoise(2);
        canvas.transfer();
        canvas.flush();
        gpu().display().await(Update.class, 2);
        assertThat(gpu().display().picture(0).pixels()).isEqualTo(pixels);
        assertThat(gpu().display().messages(DmabufUpdate.class)).hasSize(1);
        gpu().display().releaseFlip(); // late, and taken
        canvas.flush();
        gpu().display().await(Update.class, 3);
        assertThat(gpu().complaints()).hasSize(1).first().asString().contains("no answer to DMABUF_UPDATE for 2000 ms");
    }

    @Test
    void aPictureThatTheKernelRefusesIsCopied() throws IOException {
        start(new TooLarge());
        Canvas canvas = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        gpu().display().await(Update.class, 1);
        assertThat(gpu().display().picture(0).pixels()).isEqualTo(pixels);
        assertThat(copied()).isEqualTo(4L * W * H);
    }

    /** Descriptors are few: a guest that makes many pictures has most of them copied. */
    @Test
    void onlySomePicturesHaveDescriptors() throws IOException {
        start(new MemoryFiles());
        int before = Fd.openCount();
        for (int id = 1; id <= HostImage.MOST_SHARED + 20; id++)
            gpu().driver().createResource2d(id, GpuWire.FORMAT_B8G8R8X8, W, H).ok();
        assertThat(Fd.openCount() - before).isEqualTo(HostImage.MOST_SHARED);
        for (int id = 1; id <= HostImage.MOST_SHARED + 20; id++) gpu().driver().unref(id).ok();
        assertThat(Fd.openCount()).isEqualTo(before);
    }

    @Test
    void aNewDisplayIsToldWhatIsShown() throws IOException {
        start(new MemoryFiles());
        Canvas canvas = gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        gpu().display().await(DmabufUpdate.class, 1);
        gpu().pause();
        gpu().resume();
        gpu().display().await(said -> said.stream().anyMatch(m -> m instanceof DmabufUpdate || m instanceof Update),
                "a picture");
        canvas.flush();
        List<DisplayMessage> said = gpu().display().await(
                list -> list.stream().anyMatch(DmabufUpdate.class::isInstance),
                "a dma-buf");
        assertThat(said).anyMatch(DmabufScanout.class::isInstance);
        assertThat(gpu().display().shared(0).pixels()).isEqualTo(pixels);
    }
}
