package sluice.bench.dmacore;

import java.io.IOException;
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

import sluice.bench.Allocates;
import sluice.dmacore.buffer.Attachment;
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

/** A device's way to a buffer and back. */
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

    private int through(DmaBuf shared) throws DmaBufException {
        Attachment attachment = shared.attach(Objects.requireNonNull(gpu), Stream.COHERENT);
        DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
        mapping.syncForCpu();
        int segments = mapping.segments().count();
        mapping.unmap();
        attachment.detach();
        return segments;
    }

    /** 2025 pages that lie anywhere. */
    @Benchmark
    @Allocates
    public int scattered() throws DmaBufException {
        return through(Objects.requireNonNull(buffer));
    }

    /** The same of a new buffer each time, which the GPU does for each ATTACH_BACKING. */
    @Benchmark
    @Allocates
    public int exportedAndScattered() throws DmaBufException {
        DmaBuf made = Objects.requireNonNull(core).export("frame", Frame.BYTES,
                new GuestPages(Objects.requireNonNull(frame).runs));
        int segments = through(made);
        made.release();
        return segments;
    }
}
