package sluice.vdev.gpu;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.Picture;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** Pictures on disk are what the display shows, and the numbers are what was done. */
class SnapshotLoopbackTest {
    private static final int W = 123;
    private static final int H = 77;
    private static final int FRAMES = 5;

    @TempDir
    private Path folder;

    private static int[] pixels(Path png) throws IOException {
        BufferedImage image = ImageIO.read(png.toFile());
        int[] rgb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return Arrays.stream(rgb).map(pixel -> pixel & 0xff_ffff).toArray();
    }

    private List<Path> written() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".png")).sorted().toList();
        }
    }

    private void awaitWritten(int count) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return written().size() == count;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, count + " pictures");
    }

    @Test
    void everyThirdFrameIsWrittenAsItIsShown() throws IOException {
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults(), folder, 3);
                AttachedGpu gpu = AttachedGpu.start(backEnd)) {
            Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8A8, W, H);
            canvas.show(0);
            List<int[]> expected = new ArrayList<>();
            for (int frame = 1; frame <= 9; frame++) {
                canvas.drawNoise(frame);
                canvas.transfer();
                canvas.flush();
                if (frame % 3 == 0) {
                    gpu.display().await(Update.class, frame);
                    expected.add(gpu.display().picture(0).pixels());
                    awaitWritten(frame / 3);
                    // The writer is free again once it has done what was posted to it.
                    backEnd.onLoop(() -> backEnd.device().takePictures(file -> {}));
                    awaitWritten(frame / 3 + 1);
                    Files.delete(written().getLast());
                }
            }
            List<Path> files = written();
            assertThat(files).hasSize(3);
            for (int i = 0; i < 3; i++) {
                assertThat(pixels(files.get(i))).isEqualTo(expected.get(i));
            }
        }
    }

    @Test
    void picturesOnDemandShowEveryScanoutThatIsOn() throws Exception {
        BlockingQueue<Path> taken = new LinkedBlockingQueue<>();
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults(), folder, 0);
                AttachedGpu gpu = AttachedGpu.start(backEnd)) {
            assertThat(backEnd.onLoop(() -> backEnd.device().takePictures(taken::add))).isZero();
            Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_X8R8G8B8, W, H);
            canvas.drawNoise(1);
            canvas.transfer();
            canvas.show(0);
            gpu.driver().setScanout(3, 1, new GpuRect(20, 10, 50, 40)).ok();
            canvas.flush();
            gpu.display().await(Update.class, 2);
            assertThat(backEnd.onLoop(() -> backEnd.device().takePictures(taken::add))).isEqualTo(2);
            for (int scanout : new int[]{ 0, 3 }) {
                Path file = taken.poll(GpuBackEnd.LIMIT_SECONDS, TimeUnit.SECONDS);
                assertThat(file).isNotNull();
                assertThat(String.valueOf(file)).contains("scanout" + scanout + "-");
                Picture shown = gpu.display().picture(scanout);
                assertThat(pixels(Objects.requireNonNull(file))).isEqualTo(shown.pixels());
            }
        }
        assertThat(written()).hasSize(2);
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all.filter(file -> file.toString().endsWith(".part"))).isEmpty();
        }
    }

    @Test
    void aFolderThatGoesIsReportedAndTheDeviceGoesOn() throws IOException {
        Path gone = Files.createDirectory(folder.resolve("gone"));
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults(), gone, 1);
                AttachedGpu gpu = AttachedGpu.start(backEnd)) {
            Files.delete(gone);
            Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
            canvas.show(0);
            canvas.flush();
            Deadline.in(Deadline.USUAL).require(() -> backEnd.log().count("writing a picture failed") == 1,
                    "the complaint");
            for (int frame = 2; frame <= FRAMES; frame++) {
                canvas.flush();
                gpu.display().await(Update.class, frame);
            }
            Files.createDirectory(gone);
            backEnd.onLoop(() -> backEnd.device().takePictures(file -> {}));
            Deadline.in(Deadline.USUAL).require(() -> gone.toFile().list().length >= 1, "a picture");
            assertThat(backEnd.log().count("writing a picture failed")).isEqualTo(1);
            canvas.flush();
        }
    }

    @Test
    void statisticsCountWhatWasDone() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start()) {
            Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
            canvas.show(0);
            canvas.transfer();
            canvas.transfer(new GpuRect(1, 1, 10, 10));
            canvas.flush();
            gpu.driver().flush(1, new GpuRect(0, 0, 5, 5)).ok();
            canvas.show(1);
            canvas.flush();
            gpu.driver().flush(77, canvas.all());
            gpu.driver().call(GpuCommands.bare(0x999, 24));
            gpu.driver().call(GpuCommands.unref(1).limit(28));
            gpu.driver().getDisplayInfo();
            gpu.driver().cursor(GpuCommands.moveCursor(0, 1, 2));
            gpu.driver().cursor(GpuCommands.moveCursor(99, 1, 2));
            gpu.driver().cursor(GpuCommands.getDisplayInfo());
            GpuBackEnd backEnd = gpu.backEnd();
            long all = (long) W * H * 4;
            assertThat(backEnd.statistic(GpuStatistics::frames)).isEqualTo(3);
            assertThat(backEnd.statistic(GpuStatistics::transferBytes)).isEqualTo(all + 400);
            assertThat(backEnd.statistic(GpuStatistics::updateBytes)).isEqualTo(all + 100 + 2 * all);
            assertThat(backEnd.statistic(GpuStatistics::cursorBytes)).isZero();
            assertThat(backEnd.statistic(GpuStatistics::refusedCommands)).isEqualTo(2);
            assertThat(backEnd.statistic(GpuStatistics::unknownCommands)).isEqualTo(3);
            assertThat(count(backEnd, CommandType.RESOURCE_CREATE_2D)).isEqualTo(1);
            assertThat(count(backEnd, CommandType.RESOURCE_ATTACH_BACKING)).isEqualTo(1);
            assertThat(count(backEnd, CommandType.SET_SCANOUT)).isEqualTo(2);
            assertThat(count(backEnd, CommandType.TRANSFER_TO_HOST_2D)).isEqualTo(2);
            assertThat(count(backEnd, CommandType.RESOURCE_FLUSH)).isEqualTo(4);
            assertThat(count(backEnd, CommandType.GET_DISPLAY_INFO)).isEqualTo(1);
            assertThat(count(backEnd, CommandType.RESOURCE_UNREF)).isZero();
            assertThat(count(backEnd, CommandType.MOVE_CURSOR)).isEqualTo(2);
            assertThat(backEnd.statistic(numbers -> numbers.latency(CommandType.RESOURCE_FLUSH).getMaxValue()))
                    .isBetween(1L, 5_000_000_000L);
        }
    }

    private static long count(GpuBackEnd backEnd, CommandType type) {
        return backEnd.statistic(numbers -> numbers.count(type));
    }
}
