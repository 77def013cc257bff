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
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.TwoSinks;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.dmacore.trace.jfr.JfrSink;

/** What telling an event costs; reading the clock is a part of it, and beside it. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TraceBenchmark {
    private final TraceSink jfr = new JfrSink();
    private @Nullable Path folder;
    private @Nullable FlightRecorder recorder;
    private @Nullable TraceSink both;

    @Setup
    public void open() throws IOException {
        Path made = Files.createTempDirectory("trace");
        FlightRecorder fresh = FlightRecorder.start(RecorderOptions.of(made.resolve("bench.rec")));
        if (!fresh.awaitOpen()) throw new IllegalStateException("the recorder did not open");
        folder = made;
        recorder = fresh;
        both = TwoSinks.of(fresh, jfr);
    }

    @TearDown
    public void close() throws IOException {
        Objects.requireNonNull(recorder).close();
        Path made = Objects.requireNonNull(folder);
        Files.delete(made.resolve("bench.rec"));
        Files.delete(made);
    }

    private static void tell(TraceSink sink) {
        sink.record(EventKind.COPY, 7, 8, 1, 4096, 65_536, 65_536, 12_345, TraceSink.NOW);
    }

    /** Into a file. */
    @Benchmark
    public void recorder() {
        tell(Objects.requireNonNull(recorder));
    }

    /** Into a file, by two threads at a time. */
    @Benchmark
    @Threads(2)
    public void recorderOfTwoThreads() {
        tell(Objects.requireNonNull(recorder));
    }

    /** To JDK Flight Recorder, which does not run. */
    @Benchmark
    public void jfrOff() {
        tell(jfr);
    }

    /** Into a file, and to JDK Flight Recorder, which does not run. */
    @Benchmark
    public void recorderAndJfrOff() {
        tell(Objects.requireNonNull(both));
    }

    /** The clock alone. */
    @Benchmark
    public long clock() {
        return System.nanoTime();
    }
}
