package sluice.vdev.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.budget.Budget;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** How many pictures there are at a time, and of how many bytes. */
class PictureTakerTest {
    private static final int LIMIT_SECONDS = 10;
    private static final int SIDE = 100;
    private static final Rectangle ALL = new Rectangle(0, 0, SIDE, SIDE);
    private static final long BYTES = 4L * SIDE * SIDE;

    @TempDir
    private Path folder;

    private final LogTap log = new LogTap();
    private final CheckedDisplay display = new CheckedDisplay();
    private final Scanouts scanouts = new Scanouts(display,
            new Painter(display, Budget.ofProcess().own(), new GpuStatistics()), Scanouts.MAX, Long.MAX_VALUE);
    private final HostCopy resource = new HostCopy(1, PixelFormat.B8G8R8X8, new HostImage(SIDE, SIDE));
    private final BlockingQueue<Path> written = new LinkedBlockingQueue<>();

    @AfterEach
    void giveBack() {
        scanouts.switchAllOff();
        resource.image().release();
        log.close();
    }

    private void show(int count) {
        for (int id = 0; id < count; id++) scanouts.show(id, resource, resource.image(), ALL);
    }

    private void awaitWritten(int count) throws InterruptedException {
        for (int i = 0; i < count; i++)
            assertThat(written.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).as("picture %d of %d", i, count).isNotNull();
        assertThat(written).isEmpty();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.sorted().toList();
        }
    }

    @Test
    void whatWouldTakeTooMuchMemoryIsLeftOut() throws Exception {
        try (PictureTaker taker = new PictureTaker(folder, 0, 3 * BYTES)) {
            show(3);
            taker.take(scanouts, written::add);
            awaitWritten(3);
            assertThat(log.complaints()).isEmpty();
            show(Scanouts.MAX);
            taker.take(scanouts, written::add);
            awaitWritten(3);
            assertThat(log.complaints()).hasSize(1).first().asString().contains("skipped the pictures of 13 scan-outs",
                    "120000 bytes");
            show(3);
            for (int id = 3; id < Scanouts.MAX; id++) scanouts.switchOff(id);
            taker.take(scanouts, written::add);
            awaitWritten(3);
            assertThat(log.complaints()).as("all was given back").hasSize(1);
        }
    }

    @Test
    void oneIsAlwaysTakenHoweverLarge() throws Exception {
        try (PictureTaker taker = new PictureTaker(folder, 0, BYTES - 1)) {
            show(2);
            taker.take(scanouts, written::add);
            awaitWritten(1);
            assertThat(log.count("skipped the pictures of 1 scan-outs")).isEqualTo(1);
        }
    }

    @Test
    void aRequestWhileOneIsUnderWayIsLeftOut() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        try (PictureTaker taker = new PictureTaker(folder, 0)) {
            show(1);
            taker.take(scanouts, file -> {
                written.add(file);
                awaitUninterruptibly(goOn);
            });
            awaitWritten(1);
            // The writer is busy with what was to be told, and no more with pictures: one more request waits for it.
            taker.take(scanouts, written::add);
            for (int i = 0; i < 100; i++) taker.take(scanouts, written::add);
            assertThat(log.count("are still being written")).isEqualTo(100);
            goOn.countDown();
            awaitWritten(1);
            taker.take(scanouts, written::add);
            awaitWritten(1);
        }
        assertThat(files()).hasSize(3);
    }

    @Test
    void aFrameWhileOneIsBeingWrittenIsLeftOutSilently() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        try (PictureTaker taker = new PictureTaker(folder, 1)) {
            show(1);
            taker.take(scanouts, file -> awaitUninterruptibly(goOn));
            for (int i = 0; i < 100; i++) taker.frameShown(scanouts);
            goOn.countDown();
        }
        assertThat(files()).as("one that was asked for, and a frame").hasSize(2);
        assertThat(log.complaints()).isEmpty();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            if (!latch.await(LIMIT_SECONDS, TimeUnit.SECONDS)) throw new AssertionError("nobody goes on");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
