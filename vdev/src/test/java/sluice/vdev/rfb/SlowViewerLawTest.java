package sluice.vdev.rfb;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.GpuWire;
import sluice.vdev.gpu.PixelSource;
import sluice.vdev.gpu.Rectangle;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/** The guest's price for viewers: what each flush does for them, and that none of them makes it wait. */
@Timeout(120)
class SlowViewerLawTest {
    private static final RfbLimits PATIENT = new RfbLimits(16, Duration.ofMinutes(1), Duration.ofMinutes(1),
            Duration.ofMinutes(10), Duration.ofMillis(100));
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;
    private static final int ROUNDS = 15;
    private static final int FLUSHES = 200;
    /** A machine that is busy with other things. A guest that waits for a viewer waits for milliseconds. */
    private static final long NOISE = 3;
    private static final long NOISE_NANOS = 50_000;

    /** Median time of a flush in nanoseconds. */
    private static long median(Canvas canvas) throws IOException {
        long[] times = new long[FLUSHES];
        for (int i = 0; i < FLUSHES; i++) {
            long began = System.nanoTime();
            canvas.flush();
            times[i] = System.nanoTime() - began;
        }
        Arrays.sort(times);
        return times[FLUSHES / 2];
    }

    /**
     * Viewers that ask for all and never read: their sockets are full after the first updates, so what they cost is what they
     * cost the guest. Measured in turn with a guest that nobody views, and the quietest rounds are compared.
     */
    @ParameterizedTest
    @ValueSource(ints = { 1, 8 })
    void aViewerThatDoesNotReadDoesNotRaiseTheLatency(int viewers) throws IOException {
        try (ViewedGpu alone = ViewedGpu.start(GuestVariant.USUAL, PATIENT, 1);
                ViewedGpu viewed = ViewedGpu.start(GuestVariant.USUAL, PATIENT, 1)) {
            alone.gpu().closeDisplay();
            viewed.gpu().closeDisplay();
            Canvas unseen = shown(alone);
            Canvas seen = shown(viewed);
            VncClient[] clients = new VncClient[viewers];
            try {
                for (int i = 0; i < viewers; i++) {
                    clients[i] = viewed.view(0);
                    clients[i].setEncodings(VncClient.RAW);
                    for (int request = 0; request < 20; request++) clients[i].request(false);
                }
                long without = Long.MAX_VALUE;
                long with = Long.MAX_VALUE;
                for (int round = 0; round < ROUNDS; round++) {
                    without = Math.min(without, median(unseen));
                    with = Math.min(with, median(seen));
                }
                assertThat(with).as("ns with %d viewers, of %d ns without", viewers, without)
                        .isLessThan(NOISE * without + NOISE_NANOS);
            } finally {
                for (VncClient client : clients) {
                    if (client != null) client.close();
                }
            }
        }
    }

    /** The server's thread stands still, with a viewer that waits for a change: the guest draws, flips and ends its resources. */
    @Test
    void theGuestDoesNotNeedTheServer() throws Exception {
        CountDownLatch stands = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger opened = new AtomicInteger();
        try (ViewedGpu gpu = ViewedGpu.start(GuestVariant.USUAL, PATIENT, 1, viewer -> {
            if (opened.getAndIncrement() == 1) {
                stands.countDown();
                awaitUninterrupted(goOn);
            }
        })) {
            Canvas canvas = shown(gpu);
            try (VncClient waits = gpu.view(0); VncClient stops = gpu.view(0)) {
                waits.setEncodings(VncClient.ZRLE, VncClient.DESKTOP_SIZE);
                assertThat(stands.await(10, TimeUnit.SECONDS)).isTrue();
                for (int i = 0; i < 20; i++) waits.request(true);
                for (int i = 0; i < 500; i++) {
                    canvas.flush();
                    canvas.show(0);
                }
                gpu.gpu().driver().unref(1).ok();
                canvas.backing().forEach(gpu.gpu().ram()::free);
                Canvas next = gpu.gpu().canvas(2, GpuWire.FORMAT_B8G8R8X8, 200, 100);
                int[] pixels = next.drawNoise(2);
                next.transfer();
                next.show(0);
                next.flush();
                assertThat(goOn.getCount()).as("it still stands").isEqualTo(1);
                goOn.countDown();
                waits.await(pixels);
                stops.setEncodings(VncClient.RAW, VncClient.DESKTOP_SIZE);
                stops.await(pixels);
            } finally {
                goOn.countDown();
            }
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Canvas shown(ViewedGpu gpu) throws IOException {
        Canvas canvas = gpu.gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT);
        canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        return canvas;
    }

    /** No viewer: nothing is posted, however much changes. A viewer that waits: one task until it looks again. */
    @Test
    void aViewerIsWokenOnceUntilItLooks() throws IOException {
        try (ViewedGpu gpu = ViewedGpu.start()) {
            Screen screen = gpu.backEnd().viewedDisplay().screen(0);
            int[] woken = new int[1];
            screen.whenChanged(() -> woken[0]++);
            gpu.backEnd().onLoop(() -> {
                for (int i = 0; i < 1000; i++) screen.mark(new Rectangle(0, 0, 100, 100));
                return null;
            });
            assertThat(woken[0]).isZero();
            screen.want();
            gpu.backEnd().onLoop(() -> {
                for (int i = 0; i < 1000; i++) screen.mark(new Rectangle(0, 0, 100, 100));
                return null;
            });
            assertThat(woken[0]).isEqualTo(1);
        }
    }

    /** A flush and a page flip allocate nothing for viewers. */
    @Test
    void markingAllocatesNothing() throws IOException {
        try (ViewedGpu gpu = ViewedGpu.start()) {
            Canvas first = shown(gpu);
            Canvas second = gpu.gpu().canvas(2, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT);
            second.show(0);
            first.show(0);
            Screen screen = gpu.backEnd().viewedDisplay().screen(0);
            AtomicBoolean stays = new AtomicBoolean();
            long bytes = gpu.backEnd().onLoop(() -> {
                var front = screen.view();
                Rectangle part = new Rectangle(10, 10, 700, 300);
                ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
                Rectangle all = new Rectangle(0, 0, WIDTH, HEIGHT);
                var image = Objects.requireNonNull(front.source());
                for (int i = 0; i < 20_000; i++) flip(screen, image, all, part);
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 1000; i++) flip(screen, image, all, part);
                stays.set(screen.view().damage() == front.damage());
                return threads.getCurrentThreadAllocatedBytes() - before;
            });
            assertThat(stays).as("the same size has the same tiles").isTrue();
            assertThat(bytes).as("bytes in 1000 flips and flushes").isLessThan(1000);
        }
    }

    private static final Rectangle OTHER = new Rectangle(0, 0, WIDTH, HEIGHT);

    private static void flip(Screen screen, PixelSource image, Rectangle all, Rectangle part) {
        screen.show(image, all);
        screen.mark(part);
        screen.show(image, OTHER);
        screen.mark(part);
    }
}
