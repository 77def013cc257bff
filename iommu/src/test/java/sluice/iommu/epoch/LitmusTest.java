package sluice.iommu.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The two orders that processors like to change, tried at the same moment on two of them, many times: the reader announces
 * itself and then looks, the writer takes away and then looks for readers. Neither may miss the other.
 */
class LitmusTest {
    private static final Duration DEFAULT_TIME = Duration.ofMillis(500);
    private static final int LEAST_ROUNDS = 50;
    private static final VarHandle PRESENT;
    private static final VarHandle GONE;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            PRESENT = lookup.findVarHandle(LitmusTest.class, "present", int.class);
            GONE = lookup.findVarHandle(LitmusTest.class, "gone", int.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    /** What a reader may find, and whether the writer's wait reported that it is unused. */
    @SuppressWarnings("unused")
    private int present;
    @SuppressWarnings("unused")
    private int gone;
    /** The round in which both may run, and the last one each has done. */
    private volatile int round;
    private volatile int readerDone;
    private final AtomicLong found = new AtomicLong();
    private final AtomicLong violations = new AtomicLong();

    /** @param fresh whether the reader is another one in each round, which the writer may or may not know of */
    private void reader(Readers readers, boolean fresh) {
        @Nullable
        ReadSection section = fresh ? null : readers.open();
        for (int mine = 1;; mine++) {
            while (round != mine) {
                if (round < 0) return;
                Thread.onSpinWait();
            }
            if (fresh) section = readers.open();
            Objects.requireNonNull(section).enter();
            if ((int) PRESENT.getOpaque(this) == mine) {
                found.incrementAndGet();
                // It is in use from here to the end of the section.
                for (int i = 0; i < 50; i++) if ((int) GONE.getAcquire(this) == mine) violations.incrementAndGet();
            }
            section.leave();
            if (fresh) readers.close(section);
            readerDone = mine;
        }
    }

    private void run(HeavyBarrier barrier, boolean fresh, Duration time, boolean untilViolated)
            throws InterruptedException {
        Readers readers = new Readers(barrier);
        readers.open(); // the writer's own
        Thread reader = new Thread(() -> reader(readers, fresh));
        reader.start();
        long end = System.nanoTime() + time.toNanos();
        long giveUp = end + Duration.ofSeconds(60).toNanos();
        int mine = 0;
        int overrun = 0;
        try {
            while ((System.nanoTime() - end < 0 && !(untilViolated && violations.get() > 0))
                    || (mine < LEAST_ROUNDS && System.nanoTime() - giveUp < 0)) {
                mine++;
                PRESENT.setVolatile(this, mine);
                round = mine;
                for (int i = mine % 64; i > 0; i--) Thread.onSpinWait();
                PRESENT.setOpaque(this, 0);
                overrun += readers.await(System.nanoTime() + Duration.ofSeconds(30).toNanos());
                GONE.setRelease(this, mine);
                while (readerDone != mine)
                    Thread.onSpinWait();
            }
        } finally {
            round = -1;
            reader.join();
        }
        System.out.printf("%d rounds, %d found, %d violations%n", mine, found.get(), violations.get());
        assertThat(mine).isGreaterThanOrEqualTo(LEAST_ROUNDS);
        assertThat(overrun).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void aReaderAndAWriterNeverMissEachOther(boolean fresh) throws InterruptedException {
        run(HeavyBarrier.handshake(), fresh, DEFAULT_TIME, false);
        assertThat(violations).hasValue(0);
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void aReaderAndAWriterNeverMissEachOtherForLong(boolean fresh) throws InterruptedException {
        run(HeavyBarrier.handshake(), fresh, Duration.ofSeconds(60), false);
        assertThat(violations).hasValue(0);
        assertThat(found.get()).isPositive();
    }

    /** The same without a barrier: the tests above would see it. */
    @Tag("long")
    @Test
    void withoutTheBarrierTheyDo() throws InterruptedException {
        run(() -> {}, false, Duration.ofSeconds(60), true);
        assertThat(violations.get()).isPositive();
    }
}
