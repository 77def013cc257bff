package sluice.bench.iommu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import sluice.iommu.Access;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions.TableKind;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Reader;

/** A frame of 8,294,400 bytes out of memory: as one copy, and through a table that leads to scattered pages. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CopyBenchmark {
    private static final long PAGE = 4096;
    private static final long FRAME = 1920L * 1080 * 4;
    private static final long MEMORY = 128L << 20;
    private static final long SEED = 20260404;

    private final MemorySegment memory = Arena.ofAuto().allocate(MEMORY, PAGE);
    private final MemorySegment frame = Arena.ofAuto().allocate(FRAME, PAGE);
    private final TargetRuns runs = new TargetRuns();
    private final TargetRuns pages = new TargetRuns();
    private @Nullable Reader flat;
    private @Nullable Reader radix;

    @Setup
    public void map() throws MapException {
        memory.fill((byte) 0x5a);
        List<Long> order = new ArrayList<>();
        for (long page = 0; page < MEMORY / PAGE; page++) order.add(page);
        Collections.shuffle(order, new Random(SEED));
        for (int i = 0; i < FRAME / PAGE; i++) pages.add(order.get(i) * PAGE, PAGE);
        flat = reader(TableKind.FLAT, pages);
        radix = reader(TableKind.RADIX, pages);
    }

    private static Reader reader(TableKind kind, TargetRuns targets) throws MapException {
        IoSpace space = TranslateBenchmark.space(kind);
        space.map(0, targets, Permission.READ_WRITE, new Owner(1, "frame"));
        return space.openReader();
    }

    /** The limit: as many bytes, always the same, in one piece. */
    @Benchmark
    public MemorySegment memcpy() {
        MemorySegment.copy(memory, 0, frame, 0, FRAME);
        return frame;
    }

    /** The same pages without a table: what is left to the table is the difference. */
    @Benchmark
    public MemorySegment pages() {
        copyRuns(pages);
        return frame;
    }

    @Benchmark
    public MemorySegment flat() {
        return copy(Objects.requireNonNull(flat));
    }

    @Benchmark
    public MemorySegment radix() {
        return copy(Objects.requireNonNull(radix));
    }

    private MemorySegment copy(Reader reader) {
        runs.clear();
        try (var _ = reader.enter()) {
            reader.translate(0, FRAME, Access.READ, runs);
            copyRuns(runs);
        }
        return frame;
    }

    private void copyRuns(TargetRuns from) {
        long at = 0;
        for (int i = 0; i < from.count(); i++) {
            MemorySegment.copy(memory, from.target(i), frame, at, from.length(i));
            at += from.length(i);
        }
    }
}
