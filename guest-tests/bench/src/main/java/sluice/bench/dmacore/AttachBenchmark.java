package sluice.bench.dmacore;

import java.io.IOException;
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
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.ownership.Direction;

/** A device's way to a buffer, and the way there and back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class AttachBenchmark {
    private @Nullable DmaCore core;
    private @Nullable Frame frame;
    private @Nullable DeviceFunction gpu;
    private @Nullable DmaBuf buffer;

    @Setup
    public void open() throws IOException {
        DmaCore opened = DmaCore.open(DmaCoreOptions.counting());
        Frame made = new Frame();
        core = opened;
        frame = made;
        gpu = opened.function("gpu", DeviceDmaParams.throughIommu());
        buffer = opened.export("frame", Frame.BYTES, new GuestPages(made.runs));
    }

    /** What {@link #attachAndMap} leaves behind is taken away between two calls. */
    @State(Scope.Thread)
    public static class Left {
        private @Nullable DeviceMapping mapping;

        @TearDown(Level.Invocation)
        public void end() throws DmaBufException {
            DeviceMapping present = mapping;
            mapping = null;
            if (present == null) return;
            present.syncForCpu();
            present.unmap();
            present.attachment().detach();
        }
    }

    private DeviceMapping mapped(DmaBuf shared) throws DmaBufException {
        return shared.attach(Objects.requireNonNull(gpu), Stream.COHERENT).map(Direction.TO_DEVICE);
    }

    private int thereAndBack(DmaBuf shared) throws DmaBufException {
        DeviceMapping mapping = mapped(shared);
        mapping.syncForCpu();
        int segments = mapping.segments().count();
        mapping.unmap();
        mapping.attachment().detach();
        return segments;
    }

    /** 2025 pages that lie anywhere: a device attaches and maps them. */
    @Benchmark
    @Allocates
    public DeviceMapping attachAndMap(Left left) throws DmaBufException {
        DeviceMapping mapping = mapped(Objects.requireNonNull(buffer));
        left.mapping = mapping;
        return mapping;
    }

    /** And gives them up again. */
    @Benchmark
    @Allocates
    public int andBack() throws DmaBufException {
        return thereAndBack(Objects.requireNonNull(buffer));
    }

    /** The same of a new buffer each time, which the GPU does for each ATTACH_BACKING. */
    @Benchmark
    @Allocates
    public int exportedAndBack() throws DmaBufException {
        DmaBuf made = Objects.requireNonNull(core).export("frame", Frame.BYTES,
                new GuestPages(Objects.requireNonNull(frame).runs));
        int segments = thereAndBack(made);
        made.release();
        return segments;
    }
}
