package sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
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

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.trace.QueueTrace;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.TwoSinks;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.dmacore.trace.jfr.JfrSink;
import sluice.vdev.gpu.GpuOptions;

/** What a profile costs: the commands of {@link GpuBenchmark} without a trace, with one that is off, and profiled. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ProfileBenchmark {
    private static final int WIDTH = 1920;
    private static final int HEIGHT = 1080;
    private static final int PAGES = WIDTH * HEIGHT * 4 / BenchGuest.PAGE;
    private static final int CREATE = 0;
    private static final int ATTACH = 1;
    private static final int SHOW = 2;
    private static final int PIXEL = 3;
    private static final int TRANSFER = 4;
    private static final int FLUSH = 5;
    private static final int DAMAGE = 6;

    /** Which trace there is. */
    @Param({ "none", "off", "profile" })
    private String trace = "none";

    private @Nullable BenchGpu gpu;
    private @Nullable FlightRecorder recorder;
    private @Nullable Path folder;

    @Setup
    public void start() throws IOException {
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withTrace(sink()));
        BenchGpu made = new BenchGpu(GpuOptions.defaults(), core,
                trace.equals("none") ? QueueTrace.NONE : core.queueTrace("gpu: control"));
        gpu = made;
        made.write(CREATE, 0x101, 1, 2, WIDTH, HEIGHT);
        made.write(ATTACH, 0x106, 1, PAGES);
        made.writePages(ATTACH, 32, PAGES, 0);
        made.write(SHOW, 0x103, 0, 0, WIDTH, HEIGHT, 0, 1);
        made.write(PIXEL, 0x105, 5, 7, 1, 1, (7 * WIDTH + 5) * 4, 0, 1, 0);
        made.write(TRANSFER, 0x105, 0, 0, WIDTH, HEIGHT, 0, 0, 1, 0);
        made.write(FLUSH, 0x104, 0, 0, WIDTH, HEIGHT, 1, 0);
        made.write(DAMAGE, 0x105, 100, 200, 64, 64, (200 * WIDTH + 100) * 4, 0, 1, 0);
        for (int slot : new int[]{ CREATE, ATTACH, SHOW }) made.run(slot);
    }

    private TraceSink sink() throws IOException {
        if (trace.equals("none")) return TraceSink.NONE;
        if (trace.equals("off")) return new JfrSink();
        Path made = Files.createTempDirectory("profile");
        FlightRecorder fresh = FlightRecorder.start(RecorderOptions.of(made.resolve("bench.rec")));
        if (!fresh.awaitOpen()) throw new IllegalStateException("the recorder did not open");
        folder = made;
        recorder = fresh;
        return TwoSinks.of(fresh, new JfrSink());
    }

    @TearDown
    public void stop() throws IOException {
        if (gpu != null) gpu.close();
        if (recorder == null) return;
        Objects.requireNonNull(recorder).close();
        Path made = Objects.requireNonNull(folder);
        Files.delete(made.resolve("bench.rec"));
        Files.delete(made);
    }

    private int run(int slot) {
        return Objects.requireNonNull(gpu).run(slot);
    }

    /** TRANSFER of one pixel. */
    @Benchmark
    public int smallCommand() {
        return run(PIXEL);
    }

    /** TRANSFER of 64×64 pixels, and its FLUSH: two requests. */
    @Benchmark
    public int damage() {
        return run(DAMAGE) + run(FLUSH);
    }

    /** TRANSFER of 1920×1080 from single pages, and its FLUSH. */
    @Benchmark
    public int frame() {
        return run(TRANSFER) + run(FLUSH);
    }
}
