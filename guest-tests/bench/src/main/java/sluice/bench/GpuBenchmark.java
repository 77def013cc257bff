package sluice.bench;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.gpu.GpuDevice;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.gpu.PictureTaker;
import sluice.vdev.queue.Polled;

/** Commands through the GPU's control queue, from the available ring to the used ring. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GpuBenchmark {
    private static final int WIDTH = 1920;
    private static final int HEIGHT = 1080;
    private static final int PAGES = WIDTH * HEIGHT * 4 / BenchGuest.PAGE;
    private static final int CONTROL = 0;
    private static final int OK_NODATA = 0x1100;
    /** Little-endian machines only, as all that Sluice runs on are. */
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    // One slot a command.
    private static final int CREATE = 0;
    private static final int ATTACH = 1;
    private static final int DETACH = 2;
    private static final int SHOW = 3;
    private static final int PIXEL = 4;
    private static final int TRANSFER = 5;
    private static final int FLUSH = 6;
    private static final int ROW = 7;
    private static final int DAMAGE = 8;

    private @Nullable BenchGuest guest;
    private @Nullable GpuDevice device;
    private @Nullable PictureTaker pictures;
    /** The device's turn was cut short, because the machine had taken the processor away. */
    private boolean again;

    @Setup
    public void start() throws IOException {
        BenchGuest fresh = new BenchGuest();
        PictureTaker unused = new PictureTaker(Path.of("."), 0);
        GpuDevice gpu = new GpuDevice(GpuOptions.defaults(), new InstantDisplay(), unused);
        gpu.start(0, new OneThread(fresh.translation()));
        gpu.startQueue(CONTROL, fresh.queue());
        guest = fresh;
        device = gpu;
        pictures = unused;
        write(CREATE, 0x101, 1, 2, WIDTH, HEIGHT);
        writeAttach();
        write(DETACH, 0x107, 1, 0);
        write(SHOW, 0x103, 0, 0, WIDTH, HEIGHT, 0, 1);
        write(PIXEL, 0x105, 5, 7, 1, 1, (7 * WIDTH + 5) * 4, 0, 1, 0);
        write(TRANSFER, 0x105, 0, 0, WIDTH, HEIGHT, 0, 0, 1, 0);
        write(FLUSH, 0x104, 0, 0, WIDTH, HEIGHT, 1, 0);
        write(ROW, 0x105, 0, 11, WIDTH, 1, 11 * WIDTH * 4, 0, 1, 0);
        write(DAMAGE, 0x105, 100, 200, 64, 64, (200 * WIDTH + 100) * 4, 0, 1, 0);
        for (int slot : new int[]{ CREATE, ATTACH, SHOW }) run(slot);
    }

    @TearDown
    public void stop() {
        GpuDevice gpu = device;
        BenchGuest running = guest;
        PictureTaker unused = pictures;
        if (gpu == null || running == null || unused == null) return;
        gpu.stopQueue(CONTROL);
        gpu.close();
        unused.close();
        running.close();
    }

    /** A header with a fence, then numbers. */
    private void write(int slot, int type, int... numbers) {
        BenchGuest running = guest();
        MemorySegment memory = running.memory();
        long at = running.commandOffset(slot);
        memory.set(INT, at, type);
        memory.set(INT, at + 4, 1);
        memory.set(LONG, at + 8, 77);
        memory.set(LONG, at + 16, 0);
        for (int i = 0; i < numbers.length; i++) memory.set(INT, at + 24 + 4L * i, numbers[i]);
        running.prepare(slot, 24 + 4L * numbers.length);
    }

    /** Single pages, no two of them adjacent. */
    private void writeAttach() {
        write(ATTACH, 0x106, 1, PAGES);
        BenchGuest running = guest();
        long at = running.commandOffset(ATTACH) + 32;
        for (int i = 0; i < PAGES; i++) {
            long page = BenchGuest.PICTURES + (i * 3079L & 8191) * BenchGuest.PAGE;
            running.memory().set(LONG, at + 16L * i, BenchGuest.BASE + page);
            running.memory().set(INT, at + 16L * i + 8, BenchGuest.PAGE);
            running.memory().set(INT, at + 16L * i + 12, 0);
        }
        running.prepare(ATTACH, 32 + 16L * PAGES);
    }

    private BenchGuest guest() {
        BenchGuest present = guest;
        if (present == null) throw new IllegalStateException("JMH calls start first");
        return present;
    }

    private int run(int slot) {
        BenchGuest running = guest();
        running.send(slot);
        GpuDevice gpu = device;
        do {
            again = false;
            if (gpu != null) gpu.notified(CONTROL);
        } while (again);
        if (running.takeBack() != 1 || running.response(slot) != OK_NODATA) {
            throw new IllegalStateException(
                    "slot %d is answered with 0x%x".formatted(slot, running.response(slot)));
        }
        return slot;
    }

    /** TRANSFER of one pixel. */
    @Benchmark
    public int smallCommand() {
        return run(PIXEL);
    }

    /** TRANSFER of 1920×1080 from single pages: 8.3 MB. */
    @Benchmark
    public int transfer() {
        return run(TRANSFER);
    }

    /** TRANSFER of one row. */
    @Benchmark
    public int transferRow() {
        return run(ROW);
    }

    /** TRANSFER of 64×64 pixels. */
    @Benchmark
    public int transferDamage() {
        return run(DAMAGE);
    }

    /** FLUSH to a display that takes everything at once. */
    @Benchmark
    public int flush() {
        return run(FLUSH);
    }

    /** DETACH, then ATTACH of 2025 single pages, whose list is kept: the one that allocates. */
    @Benchmark
    @Allocates
    public int attach() {
        return run(DETACH) + run(ATTACH);
    }

    /** A device without a loop. */
    private final class OneThread implements DeviceContext {
        private final FrontTranslation memory;

        OneThread(FrontTranslation memory) {
            this.memory = memory;
        }

        @Override
        public FrontTranslation memory() {
            return memory;
        }

        @Override
        public void callAgain(int index) {
            again = true;
        }

        @Override
        public void stalled(int index, Polled.Stalled where) {
            throw new IllegalStateException(where.toString());
        }

        @Override
        public void broken(int index, Polled.Broken why) {
            throw new IllegalStateException(why.reason());
        }
    }
}
