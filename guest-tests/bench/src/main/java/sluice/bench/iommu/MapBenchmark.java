package sluice.bench.iommu;

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
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.epoch.HeavyBarrier;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.IoSpaceOptions.TableKind;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Placement;
import sluice.iommu.space.TranslationCache;
import sluice.iommu.space.TranslationCacheOptions;

/** A map and its unmap, without readers of other threads to wait for. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class MapBenchmark {
    private static final long GIB = 1L << 30;
    private static final long PAGE = 4096;
    private static final Owner OWNER = new Owner(1, "bench");

    private final TargetRuns scattered = TranslateBenchmark.scattered(TranslateBenchmark.PAGES);
    private final TargetRuns whole = TargetRuns.of(PAGE, GIB);
    private final HeavyBarrier handshake = HeavyBarrier.handshake();
    private @Nullable IoSpace flat;
    private @Nullable IoSpace radix;
    private @Nullable IoSpace large;
    private @Nullable TranslationCache cache;

    @Setup
    public void open() {
        flat = TranslateBenchmark.space(TableKind.FLAT);
        radix = TranslateBenchmark.space(TableKind.RADIX);
        large = IoSpace.open(IoSpaceOptions.of("bench", new AddressRange(0, (1L << 48) - 1)));
        cache = TranslationCache.open(TranslationCacheOptions.of("bench", 48));
    }

    private static long both(IoSpace space, TargetRuns targets) throws MapException {
        return space.unmap(space.map(GIB, targets, Permission.READ_WRITE, OWNER)).bytes();
    }

    /** 262,144 pages of 4 KiB. */
    @Benchmark
    @Allocates
    public long gibibyteFlat() throws MapException {
        return both(Objects.requireNonNull(flat), whole);
    }

    /** 262,144 pages of 4 KiB. */
    @Benchmark
    @Allocates
    public long gibibyteRadix() throws MapException {
        return both(Objects.requireNonNull(radix), whole);
    }

    /** One page of 1 GiB. */
    @Benchmark
    @Allocates
    public long gibibyteLargePage() throws MapException {
        return both(Objects.requireNonNull(large), whole);
    }

    @Benchmark
    @Allocates
    public long frameFlat() throws MapException {
        return both(Objects.requireNonNull(flat), scattered);
    }

    @Benchmark
    @Allocates
    public long frameRadix() throws MapException {
        return both(Objects.requireNonNull(radix), scattered);
    }

    /** The space chooses the address. */
    @Benchmark
    @Allocates
    public long frameAnywhere() throws MapException {
        IoSpace space = Objects.requireNonNull(flat);
        return space.unmap(space.map(Placement.ANYWHERE, scattered, Permission.READ_WRITE, OWNER)).bytes();
    }

    /** 2025 entries of single pages, and an invalidation of everything. */
    @Benchmark
    @Allocates
    public int fillAndFlushCache() throws MapException {
        TranslationCache all = Objects.requireNonNull(cache);
        for (int i = 0; i < scattered.count(); i++)
            all.insert(GIB + i * PAGE, PAGE, scattered.target(i), Permission.READ_ONLY);
        return all.invalidateAll().entries();
    }

    /** What an unmap pays when other threads have readers, and no better barrier is given. */
    @Benchmark
    @Allocates
    public void handshakeBarrier() {
        handshake.run();
    }
}
