package sluice.vdev.display;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage.DmabufScanout;
import sluice.vdev.fixture.DisplayMessage.DmabufUpdate;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Pictures as dma-bufs of the kernel, on one with {@code /dev/udmabuf}: the display maps the descriptor that it gets, and has each pixel
 * there. Everything else about them is in {@link DmabufLoopbackTest}.
 */
@Tag("guest")
class UdmabufDisplayTest {
    private static final int W = 400;
    private static final int H = 300;
    private static final int PIXEL = 4;
    private static final Path LIMIT = Path.of("/sys/module/udmabuf/parameters/size_limit_mb");
    private static final int RAM = 128 << 20;

    private static AttachedGpu attached(KernelDmabufs kernel) throws IOException {
        AttachedGpu gpu = AttachedGpu.attached(GpuBackEnd.withDmabufs(GpuOptions.defaults(), kernel),
                GuestRam.single(RAM, 1), Profile.qemu10());
        gpu.session().attach();
        gpu.resume();
        gpu.driver().getEdid(0); // behind the display's features
        return gpu;
    }

    private static long copied(AttachedGpu gpu) {
        return gpu.backEnd().statistic(GpuStatistics::updateBytes);
    }

    /** The option, as a user gives it. */
    @Test
    void withTheOptionTheDisplayMapsTheKernelsBuffer() throws Exception {
        try (ServedDevice gpu = new ServedDevice(new GpuProvider(), "dmabuf", "");
                GuestRam ram = GuestRam.single(32 << 20, 1);
                DeviceSession session = new DeviceSession(gpu.frontEnd(), ram, Profile.qemu10(), 64, 16);
                DisplayPeer display = DisplayPeer.open(1, W, H)) {
            session.attach();
            session.start(display.backEndSide());
            display.backEndSide().close();
            GpuDriver driver = new GpuDriver(session).fenced(true);
            driver.getEdid(0);
            List<Buffer> pages = ram.allocateScattered((long) W * H * PIXEL);
            driver.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, W, H).ok();
            driver.attachBacking(1, pages).ok();
            driver.setScanout(0, 1, GpuRect.of(W, H)).ok();
            for (int frame = 1; frame <= 5; frame++) {
                int[] drawn = Canvas.noise(W * H, frame);
                ByteBuffer bytes = ByteBuffer.allocate(W * H * PIXEL).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asIntBuffer().put(drawn);
                ram.write(pages, 0, bytes);
                driver.transferToHost2d(1, GpuRect.of(W, H), 0).ok();
                driver.flush(1, GpuRect.of(W, H)).ok();
                display.await(DmabufUpdate.class, frame);
                assertThat(display.shared(0).pixels()).as("frame %d", frame).isEqualTo(drawn);
            }
            assertThat(display.exporter(0)).isEqualTo("udmabuf");
            assertThat(display.messages(DmabufScanout.class)).hasSize(1);
            assertThat(display.messages(Update.class)).isEmpty();
        }
    }

    @Test
    void picturesInTurnsAreBuffersOfTheKernel() throws Exception {
        int before = Fd.openCount();
        try (KernelDmabufs kernel = KernelDmabufs.open(); AttachedGpu gpu = attached(kernel)) {
            Canvas[] canvases = { gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H),
                    gpu.canvas(2, GpuWire.FORMAT_R8G8B8X8, W, H) };
            for (int flip = 0; flip < 6; flip++) {
                Canvas shown = canvases[flip % 2];
                int[] drawn = shown.drawNoise(flip);
                shown.transfer();
                shown.show(0);
                shown.flush();
                gpu.display().await(DmabufUpdate.class, flip + 1);
                int[] expected = flip % 2 == 0 ? drawn : swapped(drawn);
                assertThat(gpu.display().shared(0).pixels()).as("flip %d", flip).isEqualTo(expected);
                assertThat(gpu.display().exporter(0)).isEqualTo("udmabuf");
            }
            assertThat(copied(gpu)).isZero();
        }
        assertThat(Fd.openCount()).as("descriptors").isEqualTo(before);
    }

    /** Red and blue in each other's place. */
    private static int[] swapped(int[] pixels) {
        int[] swapped = new int[pixels.length];
        for (int i = 0; i < pixels.length; i++)
            swapped[i] = (pixels[i] & 0xff) << 16 | (pixels[i] & 0xff00) | (pixels[i] >> 16 & 0xff);
        return swapped;
    }

    /** Each pixel of the part that is shown, at its place in the buffer. */
    @Test
    void aPartOfAPictureIsItsPlaceInTheBuffer() throws Exception {
        try (KernelDmabufs kernel = KernelDmabufs.open(); AttachedGpu gpu = attached(kernel)) {
            Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
            int[] pixels = canvas.drawNoise(1);
            canvas.transfer();
            GpuRect part = new GpuRect(100, 60, 200, 100);
            gpu.driver().setScanout(3, 1, part).ok();
            canvas.flush();
            gpu.display().await(DmabufUpdate.class, 1);
            assertThat(gpu.display().exporter(3)).isEqualTo("udmabuf");
            assertThat(gpu.display().shared(3).pixels()).isEqualTo(canvas.crop(pixels, part));
        }
    }

    /** A display that takes the buffer and says nothing is sent pixels, which are right, too. */
    @Test
    void aDisplayThatNeverAnswersGetsPixels() throws Exception {
        try (KernelDmabufs kernel = KernelDmabufs.open(); AttachedGpu gpu = attached(kernel)) {
            gpu.display().holdFlips();
            Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
            int[] pixels = canvas.drawNoise(1);
            canvas.transfer();
            canvas.show(0);
            canvas.flush();
            gpu.display().await(Update.class, 1);
            assertThat(gpu.display().picture(0).pixels()).isEqualTo(pixels);
            assertThat(gpu.display().messages(DmabufUpdate.class)).hasSize(1);
            assertThat(gpu.complaints()).hasSize(1).first().asString().contains("no answer to DMABUF_UPDATE for");
        }
    }

    /** The kernel refuses what is larger than its limit, which is raised and lowered by root at any time. */
    @Test
    void whatTheKernelRefusesIsSentAsPixels() throws Exception {
        String usual = Files.readString(LIMIT).strip();
        try (KernelDmabufs kernel = KernelDmabufs.open(); AttachedGpu gpu = attached(kernel)) {
            Files.writeString(LIMIT, "1");
            int height = (1 << 20) / (W * PIXEL) + 8;
            Canvas large = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, height);
            int[] pixels = large.drawNoise(1);
            large.transfer();
            large.show(0);
            large.flush();
            gpu.display().await(Update.class, 1);
            assertThat(gpu.display().picture(0).pixels()).isEqualTo(pixels);
            assertThat(gpu.display().messages(DmabufScanout.class)).isEmpty();
            Canvas small = gpu.canvas(2, GpuWire.FORMAT_B8G8R8X8, W, H);
            int[] next = small.drawNoise(2);
            small.transfer();
            small.show(0);
            small.flush();
            gpu.display().await(DmabufUpdate.class, 1);
            assertThat(gpu.display().shared(0).pixels()).as("the next is a dma-buf").isEqualTo(next);
        } finally {
            Files.writeString(LIMIT, usual);
        }
    }
}
