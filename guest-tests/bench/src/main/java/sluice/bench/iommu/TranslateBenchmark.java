package sluice.bench.iommu;

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
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.PageSizes;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.IoSpaceOptions.TableKind;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Reader;

/**
 * One translation in the frame of a 1080p screen whose pages lie scattered. The chains measure the time from asking to
 * knowing, which is what the bars are about; the others what many translations cost that do not wait for each other.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TranslateBenchmark {
    static final int PAGES = 2025;
    private static final int ADDRESSES = 4096;
    private static final long SEED = 20260403;
    private static final long PAGE = 4096;
    private static final long BASE = 0x1000_0000L;

    private final long[] addresses = new long[ADDRESSES];
    private final long[] array = new long[1 << 20];
    private final long[] nextOf = new long[1 << 20];
    private final TargetRuns runs = new TargetRuns();
    private @Nullable Reader flat;
    private @Nullable Reader radix;
    private @Nullable Reader flatCircle;
    private @Nullable Reader radixCircle;

    /** Whole pages in an order that has no neighbours. */
    static TargetRuns scattered(int pages) {
        TargetRuns targets = new TargetRuns();
        for (int i = 0; i < pages; i++) targets.add((i * 2L + 1) * PAGE, PAGE);
        return targets;
    }

    static IoSpace space(TableKind kind) {
        long bytes = kind == TableKind.FLAT ? 1L << 32 : 1L << 48;
        return IoSpace.open(IoSpaceOptions.of("bench", new AddressRange(0, bytes - 1)).withTable(kind)
                .withPageSizes(PageSizes.SMALL));
    }

    @Setup
    public void map() throws MapException {
        Random random = new Random(SEED);
        TargetRuns targets = scattered(PAGES);
        for (int i = 0; i < array.length; i++) array[i] = random.nextLong();
        for (int i = 0; i < ADDRESSES; i++) addresses[i] = BASE + random.nextLong(PAGES * PAGE);
        flat = reader(TableKind.FLAT, targets);
        radix = reader(TableKind.RADIX, targets);
        TargetRuns circle = circle(random);
        flatCircle = reader(TableKind.FLAT, circle);
        radixCircle = reader(TableKind.RADIX, circle);
    }

    /** Targets that are addresses of the frame, so that its pages lead from one to the next and round again. */
    private TargetRuns circle(Random random) {
        List<Integer> order = new ArrayList<>();
        for (int i = 1; i < PAGES; i++) order.add(i);
        Collections.shuffle(order, random);
        order.addFirst(0);
        long[] next = new long[PAGES];
        for (int i = 0; i < PAGES; i++) next[order.get(i)] = BASE + order.get((i + 1) % PAGES) * PAGE;
        TargetRuns targets = new TargetRuns();
        for (int i = 0; i < PAGES; i++) {
            targets.add(next[i], PAGE);
            nextOf[(int) (BASE >>> 12) + i] = next[i];
        }
        return targets;
    }

    private static Reader reader(TableKind kind, TargetRuns targets) throws MapException {
        IoSpace space = space(kind);
        space.map(BASE, targets, Permission.READ_WRITE, new Owner(1, "frame"));
        return space.openReader();
    }

    /** What the chains are measured by: the load of an array element at the page's index. */
    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long arrayLoadChain() {
        long[] all = nextOf;
        long at = BASE;
        for (int i = 0; i < ADDRESSES; i++) at = all[(int) (at >>> 12)];
        return at;
    }

    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long flatChain() {
        return chain(Objects.requireNonNull(flatCircle));
    }

    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long radixChain() {
        return chain(Objects.requireNonNull(radixCircle));
    }

    private static long chain(Reader reader) {
        long at = BASE;
        try (var _ = reader.enter()) {
            for (int i = 0; i < ADDRESSES; i++) at = reader.target(at, Access.READ);
        }
        return at;
    }

    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long arrayLoad() {
        long sum = 0;
        long[] all = array;
        for (long address : addresses) sum += all[(int) (address >>> 12)];
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long flat() {
        return sum(Objects.requireNonNull(flat));
    }

    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long radix() {
        return sum(Objects.requireNonNull(radix));
    }

    private long sum(Reader reader) {
        long sum = 0;
        try (var _ = reader.enter()) {
            for (long address : addresses) sum += reader.target(address, Access.READ);
        }
        return sum;
    }

    /** A section for each translation: what it adds to {@link #flat} is the cost of the protection. */
    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long flatProtected() {
        Reader reader = Objects.requireNonNull(flat);
        long sum = 0;
        for (long address : addresses) {
            try (var _ = reader.enter()) {
                sum += reader.target(address, Access.READ);
            }
        }
        return sum;
    }

    /** 64 bytes to a run, in a section of their own, as a descriptor is resolved. */
    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long flatRuns() {
        return sumRuns(Objects.requireNonNull(flat));
    }

    @Benchmark
    @OperationsPerInvocation(ADDRESSES)
    public long radixRuns() {
        return sumRuns(Objects.requireNonNull(radix));
    }

    private long sumRuns(Reader reader) {
        long sum = 0;
        for (long address : addresses) {
            runs.clear();
            try (var _ = reader.enter()) {
                reader.translate(address & -64, 64, Access.READ, runs);
            }
            sum += runs.target(0);
        }
        return sum;
    }
}
