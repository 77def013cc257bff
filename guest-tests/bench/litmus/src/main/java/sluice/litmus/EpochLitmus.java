package sluice.litmus;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import sluice.iommu.epoch.HeavyBarrier;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.epoch.Readers;

/**
 * The grace period: a writer clears an entry, waits for all readers, and takes away what the entry led to. A reader that has
 * found the entry in its section still finds what it leads to.
 */
public final class EpochLitmus {
    private static final long FOR_EVER = 1L << 62;
    private static final Readers READERS = new Readers(HeavyBarrier.handshake());
    /** A thread's own; they stay open, for what opens one is a fence by itself. */
    private static final ThreadLocal<ReadSection> SECTION = ThreadLocal.withInitial(READERS::open);

    private EpochLitmus() {}

    /** An entry and what it leads to, looked up as a table does: opaque loads, plain stores. */
    private static final class Place {
        private static final VarHandle ENTRY;
        private static final VarHandle TARGET;

        static {
            try {
                ENTRY = MethodHandles.lookup().findVarHandle(Place.class, "entry", int.class);
                TARGET = MethodHandles.lookup().findVarHandle(Place.class, "target", int.class);
            } catch (ReflectiveOperationException impossible) {
                throw new ExceptionInInitializerError(impossible);
            }
        }

        private int entry = 1;
        private int target = 1;

        int found() {
            return (int) ENTRY.getOpaque(this);
        }

        int target() {
            return (int) TARGET.getOpaque(this);
        }

        void takeAway(Readers readers) {
            entry = 0;
            readers.await(System.nanoTime() + FOR_EVER);
            TARGET.setOpaque(this, 0);
        }
    }

    /** Zeros in no cache: stores into them keep the stores that follow waiting, a load from them what depends on it. */
    private static final class Cold {
        private static final int[] ZEROS = new int[1 << 24];
        private static final int LINE = 16;
        private static final int STORES = 12;

        /** Stores into some places behind this one, and returns the last. */
        static int store(int place) {
            int at = place;
            for (int i = 0; i < STORES; i++) ZEROS[at = next(at)] = 0;
            return at;
        }

        static int at(int place) {
            return ZEROS[place];
        }

        static int next(int place) {
            return (place * 1_664_525 + 1_013_904_223) & (ZEROS.length - 1) & -LINE;
        }
    }

    /** The reader's announcement is seen in time, although it runs no fence. Fails without the writer's heavy barrier. */
    @JCStressTest
    @Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "the entry was cleared before the reader looked")
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "the reader found the entry, and what it leads to")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "the reader used what was taken away")
    @State
    public static class Announcement {
        private static final int LOADS = 4;
        private static int place;

        private final Place shared = new Place();

        @Actor
        public void reader(I_Result result) {
            ReadSection section = SECTION.get();
            int at = place;
            at = Cold.store(at);
            section.enter();
            int found = shared.found();
            at = Cold.next(at + found);
            for (int i = 0; i < LOADS; i++) at = Cold.next(at + Cold.at(at));
            result.r1 = found == 0 ? -1 : (Cold.at(at) == 0 ? shared : new Place()).target();
            section.leave();
            place = at;
        }

        @Actor
        public void writer() {
            shared.takeAway(READERS);
        }    }

    /** A section that lasts is waited for. Fails when the writer does not wait for it to end. */
    @JCStressTest
    @Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "the entry was cleared before the reader looked")
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "the reader found the entry, and what it leads to")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "the reader used what was taken away")
    @State
    public static class Wait {
        private final Place shared = new Place();

        @Actor
        public void reader(I_Result result) {
            ReadSection section = SECTION.get().enter();
            int found = shared.found();
            Thread.yield(); // the barrier passes a thread that is here, in the middle of its section
            result.r1 = found == 0 ? -1 : shared.target();
            section.leave();
        }

        @Actor
        public void writer() {
            shared.takeAway(READERS);
        }
    }

    /** A reader that opens while the writer looks for readers finds the entry cleared. Fails without the fence before that look. */
    @JCStressTest
    @Outcome(id = "-1", expect = Expect.ACCEPTABLE, desc = "the entry was cleared before the reader looked")
    @Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "the reader found the entry, and what it leads to")
    @Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "the reader used what was taken away")
    @State
    public static class Opening {
        private static int place;

        private final Readers readers = new Readers(HeavyBarrier.handshake());
        private final Place shared = new Place();

        @Actor
        public void reader(I_Result result) {
            ReadSection section = readers.open().enter();
            int found = shared.found();
            Thread.yield();
            result.r1 = found == 0 ? -1 : shared.target();
            section.leave();
        }

        @Actor
        public void writer() {
            place = Cold.store(place);
            shared.takeAway(readers);
        }
    }
}
