package sluice.litmus;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Reader;
import sluice.iommu.space.TranslationCache;
import sluice.iommu.space.TranslationCacheOptions;

/** The guarantees of an Iotlb's cache to a device that looks up a page while the front-end adds it. */
public final class TranslationLitmus {
    private static final int ADDRESS_BITS = 57;
    private static final long PAGE = 4096;
    private static final TranslationCache CACHE = TranslationCache
            .open(TranslationCacheOptions.of("litmus", ADDRESS_BITS).withCapacity(8192)
                    .withUnmapBound(Duration.ofHours(1)));
    /** A thread's own. */
    private static final ThreadLocal<Reader> READER = ThreadLocal.withInitial(CACHE::openReader);
    private static final ThreadLocal<TargetRuns> RUNS = ThreadLocal.withInitial(TargetRuns::new);
    /** Pages are added once; old ones are evicted. */
    private static final AtomicLong NEXT_PAGE = new AtomicLong();

    private TranslationLitmus() {}

    private static boolean isFound(Reader reader, long address) {
        TargetRuns runs = RUNS.get();
        runs.clear();
        return reader.translate(address, 8, Access.READ, runs) == sluice.iommu.space.Outcome.RESOLVED;
    }

    private static void tell(long page) {
        try {
            CACHE.insert(page, PAGE, 0, Permission.of(Access.READ));
        } catch (MapException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** A reader that finds an entry sees the content that the page had when it was added. */
    @JCStressTest
    @Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "not added yet")
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "added, with its content")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "an entry before what it leads to")
    @State
    public static class Publication {
        private final long page = NEXT_PAGE.getAndIncrement() * PAGE;
        private int data;

        @Actor
        public void frontEnd() {
            data = 1;
            tell(page);
        }

        @Actor
        public void device(I_Result result) {
            Reader reader = READER.get();
            try (ReadSection _ = reader.enter()) {
                result.r1 = isFound(reader, page) ? data : -1;
            }
        }
    }

    /** Who has found an entry may use what it leads to until its section ends: INVALIDATE is acknowledged later. Fails without the wait. */
    @JCStressTest
    @Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "taken away before the device looked")
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "found, and all there")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "used after INVALIDATE was acknowledged")
    @State
    public static class Invalidation {
        private static final VarHandle DATA;

        static {
            try {
                DATA = MethodHandles.lookup().findVarHandle(Invalidation.class, "data", int.class);
            } catch (ReflectiveOperationException impossible) {
                throw new ExceptionInInitializerError(impossible);
            }
        }

        private final long page = NEXT_PAGE.getAndIncrement() * PAGE;
        private int data = 1;

        public Invalidation() {
            tell(page);
        }

        @Actor
        public void frontEnd() {
            CACHE.invalidate(new AddressRange(page, page + PAGE - 1));
            DATA.setOpaque(this, 0);
        }

        @Actor
        public void device(I_Result result) {
            Reader reader = READER.get();
            try (ReadSection _ = reader.enter()) {
                boolean found = isFound(reader, page);
                Thread.yield(); // long enough to be waited for
                result.r1 = found ? (int) DATA.getOpaque(this) : -1;
            }
        }
    }
}
