package sluice.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import sluice.vdev.gpu.GpuOptions;

/** Page flips of guest blobs, of single pages of which no two are adjacent: what they cost does not depend on the size. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BlobBenchmark {
    // One slot a command; the second of each kind is for the second blob.
    private static final int CREATE = 0;
    private static final int SHOW = 2;
    private static final int FLUSH = 4;
    private static final int UNREF = 6;
    private static final int CREATE_BYTES = 56;

    @Param({ "64x64", "1920x1080", "3840x2160" })
    private String size = "64x64";

    private @Nullable BenchGpu gpu;
    private int shown;

    @Setup
    public void start() throws IOException {
        int width = Integer.parseInt(size.split("x", -1)[0]);
        int height = Integer.parseInt(size.split("x", -1)[1]);
        int pages = Math.ceilDiv(width * height * 4, BenchGuest.PAGE);
        BenchGpu made = new BenchGpu(GpuOptions.defaults().withBlobs());
        gpu = made;
        for (int i = 0; i < 2; i++) {
            made.write(CREATE + i, 0x10c, i + 1, 1, 2, pages, 0, 0, pages * BenchGuest.PAGE, 0);
            made.writePages(CREATE + i, CREATE_BYTES, pages, i * 4096); // two of 4K share some
            made.write(SHOW + i, 0x10d, 0, 0, width, height, 0, i + 1, width, height, 2, 0, width * 4, 0, 0, 0, 0, 0, 0,
                    0);
            made.write(FLUSH + i, 0x104, 0, 0, width, height, i + 1, 0);
            made.write(UNREF + i, 0x102, i + 1, 0);
            made.run(CREATE + i);
        }
    }

    @TearDown
    public void stop() {
        if (gpu != null) gpu.close();
    }

    private BenchGpu gpu() {
        BenchGpu present = gpu;
        if (present == null) throw new IllegalStateException("JMH calls start first");
        return present;
    }

    /** SET_SCANOUT_BLOB of the other blob and RESOURCE_FLUSH of all of it, without a display. */
    @Benchmark
    public int flip() {
        shown = 1 - shown;
        return gpu().run(SHOW + shown) + gpu().run(FLUSH + shown);
    }

    /** UNREF and RESOURCE_CREATE_BLOB, whose list is kept: the one that allocates. */
    @Benchmark
    @Allocates
    public int create() {
        return gpu().run(UNREF + 1) + gpu().run(CREATE + 1);
    }
}
