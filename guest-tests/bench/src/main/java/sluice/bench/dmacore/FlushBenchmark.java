package sluice.bench.dmacore;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import sluice.bench.Allocates;
import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.executor.CpuWriteBack;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Harm;
import sluice.dmacore.ownership.Ledger;
import sluice.dmacore.ownership.Lines;

/** A picture for a device that does not snoop: flushed, skipped because nobody wrote it, and what a C loop needs. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class FlushBenchmark {
    private @Nullable DeviceMapping unseen;
    private @Nullable DeviceMapping bracketed;
    private @Nullable CpuWriteBack executor;
    private @Nullable Lines lines;
    private @Nullable CWriteBack loop;

    /** The frame's pages, whose writers all tell. */
    private record OwnPages(Frame frame) implements Exporter {
        @Override
        public String name() {
            return "bench";
        }

        @Override
        public CpuWriters cpuWriters() {
            return CpuWriters.BRACKETED;
        }

        @Override
        public BufferMemory allocate(AllocationRequest request) {
            return BufferMemory.ofPages(frame.runs, () -> {});
        }
    }

    @Setup
    public void open() throws IOException, InterruptedException {
        Frame frame = new Frame();
        CpuWriteBack writeBack = CpuWriteBack.open().orElseThrow(
                () -> new IllegalStateException("no write-back: start the JVM with " + CpuWriteBack.jvmOption()));
        executor = writeBack;
        unseen = mapped(new GuestPages(frame.runs), writeBack);
        bracketed = mapped(new OwnPages(frame), writeBack);
        lines = new Ledger().add(1, "frame", frame.runs, true).lines();
        loop = CWriteBack.compile(frame.runs);
    }

    private static DeviceMapping mapped(Exporter exporter, CpuWriteBack writeBack) throws IOException {
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withExecutor(writeBack));
        return core.export("frame", Frame.BYTES, exporter)
                .attach(core.function("display", DeviceDmaParams.throughIommu()), Stream.NON_COHERENT)
                .map(Direction.TO_DEVICE);
    }

    @TearDown(Level.Trial)
    public void close() {
        Objects.requireNonNull(loop).close();
    }

    private static void there(@Nullable DeviceMapping mapping) throws DmaBufException {
        DeviceMapping present = Objects.requireNonNull(mapping);
        present.syncForCpu();
        present.syncForDevice();
    }

    /** To the CPU and back to the device; a guest may have written it all. */
    @Benchmark
    @Allocates
    public void flushed() throws DmaBufException {
        there(unseen);
    }

    /** The same, without writes. */
    @Benchmark
    public void skipped() throws DmaBufException {
        there(bracketed);
    }

    @Benchmark
    @Allocates
    public void writeBack() {
        Lines all = Objects.requireNonNull(lines);
        Objects.requireNonNull(executor).writeBack(all, 0, (int) (Frame.BYTES / Lines.LINE), new Harm(all));
    }

    /** In C, with a fence after each run, as the JDK's. */
    @Benchmark
    public MemorySegment writeBackC() {
        return Objects.requireNonNull(loop).run(true);
    }

    /** In C, with one fence at the end. */
    @Benchmark
    public MemorySegment writeBackCOneFence() {
        return Objects.requireNonNull(loop).run(false);
    }
}
