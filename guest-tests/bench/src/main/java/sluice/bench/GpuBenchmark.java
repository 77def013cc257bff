package sluice.bench;

import java.io.IOException;
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

import sluice.vdev.gpu.GpuOptions;

/** Commands through the GPU's control queue, from the available ring to the used ring. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GpuBenchmark {
    private static final int WIDTH = 1920;
    private static final int HEIGHT = 1080;
    private static final int PAGES = WIDTH * HEIGHT * 4 / BenchGuest.PAGE;

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

    private @Nullable BenchGpu gpu;

    @Setup
    public void start() throws IOException {
        BenchGpu made = new BenchGpu(GpuOptions.defaults());
        gpu = made;
        made.write(CREATE, 0x101, 1, 2, WIDTH, HEIGHT);
        made.write(ATTACH, 0x106, 1, PAGES);
        made.writePages(ATTACH, 32, PAGES, 0);
        made.write(DETACH, 0x107, 1, 0);
        made.write(SHOW, 0x103, 0, 0, WIDTH, HEIGHT, 0, 1);
        made.write(PIXEL, 0x105, 5, 7, 1, 1, (7 * WIDTH + 5) * 4, 0, 1, 0);
        made.write(TRANSFER, 0x105, 0, 0, WIDTH, HEIGHT, 0, 0, 1, 0);
        made.write(FLUSH, 0x104, 0, 0, WIDTH, HEIGHT, 1, 0);
        made.write(ROW, 0x105, 0, 11, WIDTH, 1, 11 * WIDTH * 4, 0, 1, 0);
        made.write(DAMAGE, 0x105, 100, 200, 64, 64, (200 * WIDTH + 100) * 4, 0, 1, 0);
        for (int slot : new int[]{ CREATE, ATTACH, SHOW }) made.run(slot);
    }

    @TearDown
    public void stop() {
        if (gpu != null) gpu.close();
    }

    private int run(int slot) {
        BenchGpu present = gpu;
        if (present == null) throw new IllegalStateException("JMH calls start first");
        return present.run(slot);
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
}
