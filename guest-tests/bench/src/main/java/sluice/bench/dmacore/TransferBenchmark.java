package sluice.bench.dmacore;

import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.ownership.Direction;

/** Whose turn it is with a buffer that needs no cache maintenance. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TransferBenchmark {
    private @Nullable DeviceMapping plain;
    private @Nullable DeviceMapping recorded;

    @Setup
    public void open() throws IOException {
        Frame frame = new Frame();
        plain = mapped(frame, DmaCoreOptions.counting());
        recorded = mapped(frame, DmaCoreOptions.counting().withTrace(Recorders.open()));
    }

    private static DeviceMapping mapped(Frame frame, DmaCoreOptions options) throws IOException {
        DmaCore core = DmaCore.open(options);
        return core.export("frame", Frame.BYTES, new GuestPages(frame.runs))
                .attach(core.function("gpu", DeviceDmaParams.throughIommu()), Stream.COHERENT).map(Direction.TO_DEVICE);
    }

    private static void there(@Nullable DeviceMapping mapping) throws DmaBufException {
        DeviceMapping present = Objects.requireNonNull(mapping);
        present.syncForCpu();
        present.syncForDevice();
    }

    @Benchmark
    @OperationsPerInvocation(2)
    public void coherent() throws DmaBufException {
        there(plain);
    }

    @Benchmark
    @OperationsPerInvocation(2)
    public void coherentRecorded() throws DmaBufException {
        there(recorded);
    }
}
