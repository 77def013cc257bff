package sluice.iommu.epoch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Whom a writer waits for, and whom it does not; the barrier is a hook that sees how far it has come. */
@Timeout(60)
class ReadersTest {
    private static final Duration BOUND = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofSeconds(50);

    private final List<Runnable> atBarrier = new ArrayList<>();
    private final Readers readers = new Readers(() -> atBarrier.forEach(Runnable::run));
    private final OtherThread other = new OtherThread();
    private final ReadSection section = other.call(readers::open);

    @AfterEach
    void endTheOtherThread() {
        other.close();
    }

    private int await(Duration bound) {
        return readers.await(System.nanoTime() + bound.toNanos());
    }

    private boolean inside() {
        return other.call(section::inside);
    }

    private boolean revoked() {
        return other.call(section::revoked);
    }

    @Test
    void aSectionThatBeganBeforeIsWaitedForUpToTheBoundAndThenGivenUpOn() {
        other.call(section::enter);
        long begin = System.nanoTime();
        assertThat(await(BOUND)).isEqualTo(1);
        assertThat(System.nanoTime() - begin).isGreaterThanOrEqualTo(BOUND.toNanos());
        assertThat(revoked()).isTrue();
        assertThat(inside()).as("its own thread ends it").isTrue();
        other.run(section::leave);
        assertThat(await(LONG)).isZero();
    }

    @Test
    void aSectionThatEndsMeanwhileIsNotGivenUpOn() {
        other.call(section::enter);
        // The barrier is run before anybody is waited for, and the section ends some time after it.
        Thread end = new Thread(() -> other.run(section::leave));
        atBarrier.add(end::start);
        assertThat(await(LONG)).isZero();
        assertThat(revoked()).isFalse();
    }

    /** It may end at each place of the wait, in its first microseconds too. */
    @Test
    void aSectionThatEndsAtAnyPlaceOfTheWaitIsNotGivenUpOn() throws InterruptedException {
        int rounds = 2000;
        AtomicInteger entered = new AtomicInteger();
        AtomicInteger fenced = new AtomicInteger();
        atBarrier.add(fenced::incrementAndGet);
        Thread reader = new Thread(() -> {
            ReadSection mine = readers.open();
            for (int round = 1; round <= rounds; round++) {
                mine.enter();
                entered.set(round);
                while (fenced.get() < round)
                    Thread.onSpinWait();
                for (int i = round % 20; i > 0; i--) Thread.onSpinWait();
                mine.leave();
            }
        });
        reader.start();
        int overrun = 0;
        for (int round = 1; round <= rounds; round++) {
            while (entered.get() < round)
                Thread.onSpinWait();
            overrun += await(LONG);
        }
        reader.join();
        assertThat(overrun).isZero();
    }

    @Test
    void aWriterThatWaitsLeavesItsProcessor() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        other.call(section::enter);
        long began = threads.getCurrentThreadCpuTime();
        assertThat(await(Duration.ofMillis(200))).isEqualTo(1);
        assertThat(threads.getCurrentThreadCpuTime() - began).isLessThan(Duration.ofMillis(100).toNanos());
    }

    @Test
    void aSectionThatBeginsAfterTheBarrierIsNotWaitedFor() {
        atBarrier.add(() -> other.call(section::enter));
        assertThat(await(LONG)).isZero();
        assertThat(inside()).isTrue();
        // For the next writer it is one that began before.
        atBarrier.clear();
        assertThat(await(Duration.ZERO)).isEqualTo(1);
    }

    /**
     * The processor of a reader may keep the store that begins a section to itself for a while. The writer's barrier makes it
     * visible, so that the slots are read after it; the section counts as old although the writer saw it last.
     */
    @Test
    void aSectionThatOnlyTheBarrierMakesVisibleIsWaitedFor() throws ReflectiveOperationException {
        VarHandle slot = MethodHandles.privateLookupIn(ReadSection.class, MethodHandles.lookup())
                .findVarHandle(ReadSection.class, "slot", long.class);
        long before = Readers.epoch();
        atBarrier.add(() -> slot.setVolatile(section, before));
        assertThat(await(BOUND)).isEqualTo(1);
    }

    @Test
    void theEpochGrowsBeforeTheBarrierIsRunOnce() {
        List<Long> epochs = new ArrayList<>();
        atBarrier.add(() -> epochs.add(Readers.epoch()));
        long before = Readers.epoch();
        await(LONG);
        assertThat(epochs).singleElement().satisfies(epoch -> assertThat(epoch).isGreaterThan(before));
        assertThat(readers.barriers()).isEqualTo(1);
    }

    @Test
    void aSectionThatWasGivenUpOnIsToldAgainAndNotWaitedForAgain() {
        other.call(section::enter);
        assertThat(await(Duration.ZERO)).isEqualTo(1);
        long begin = System.nanoTime();
        assertThat(await(LONG)).isEqualTo(1);
        assertThat(System.nanoTime() - begin).isLessThan(LONG.toNanos() / 2);
    }

    @Test
    void theSectionAfterARevokedOneIsAnother() {
        other.call(section::enter);
        await(Duration.ZERO);
        other.run(section::leave);
        assertThat(revoked()).as("outside").isFalse();
        other.call(section::enter);
        assertThat(revoked()).isFalse();
        assertThat(await(BOUND)).as("it is waited for, and given up on in its turn").isEqualTo(1);
        assertThat(revoked()).isTrue();
    }

    /** Two writers may give up on two sections of one thread, and the one that began first may come last. */
    @Test
    void aWriterThatIsLateDoesNotTakeTheRevocationOfALaterSectionBack() {
        other.call(section::enter);
        long first = section.began();
        other.run(section::leave);
        await(LONG); // so that the epoch grows
        other.call(section::enter);
        long second = section.began();
        assertThat(second).isGreaterThan(first);
        section.revoke(second);
        section.revoke(first);
        assertThat(section.isRevoked(second)).isTrue();
        assertThat(revoked()).isTrue();
    }

    @Test
    void onlyTheThreadsOfOthersAreWaitedForAndFenced() {
        other.run(() -> readers.close(section));
        assertThat(await(LONG)).isZero();
        ReadSection own = readers.open();
        assertThat(await(LONG)).isZero();
        assertThat(readers.barriers()).as("alone, nobody has to be fenced").isZero();
        other.call(readers::open);
        try (var _ = own.enter()) {
            assertThat(await(LONG)).as("its own section is not waited for").isZero();
        }
        assertThat(readers.barriers()).isEqualTo(1);
    }

    @Test
    void aReaderThatIsClosedIsForgotten() {
        other.call(section::enter);
        assertThatThrownBy(() -> readers.close(section)).isInstanceOf(IllegalStateException.class);
        assertThat(await(Duration.ZERO)).as("it is still known").isEqualTo(1);
        other.run(section::leave);
        other.run(() -> readers.close(section));
        other.call(section::enter);
        assertThat(await(LONG)).isZero();
    }

    @Test
    void whoeverWaitsIsInNoSectionOfItsOwn() {
        ReadSection own = readers.open();
        other.call(section::enter);
        readers.refuseInsideSection();
        try (var _ = own.enter()) {
            assertThatThrownBy(readers::refuseInsideSection).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("leave it first");
        }
        readers.refuseInsideSection();
    }

    /** A thread that is interrupted cannot park; it waits all the same, and the interrupt stays. */
    @Test
    void anInterruptNeitherEndsTheWaitNorIsLost() {
        other.call(section::enter);
        Thread.currentThread().interrupt();
        long begin = System.nanoTime();
        int overrun = await(BOUND);
        long waited = System.nanoTime() - begin;
        assertThat(Thread.interrupted()).isTrue();
        assertThat(overrun).isEqualTo(1);
        assertThat(waited).isGreaterThanOrEqualTo(BOUND.toNanos());
        assertThat(await(Duration.ZERO)).isEqualTo(1);
        assertThat(Thread.interrupted()).as("there was none").isFalse();
    }

    @Test
    void aSectionBelongsToOneThreadAndDoesNotNest() {
        assertThatThrownBy(section::enter).isInstanceOf(AssertionError.class).hasMessageContaining("was entered by");
        ReadSection own = readers.open();
        assertThat(own.inside()).isFalse();
        try (ReadSection entered = own.enter()) {
            assertThat(entered).isSameAs(own);
            assertThat(own.inside()).isTrue();
            assertThatThrownBy(own::enter).isInstanceOf(AssertionError.class).hasMessage("read sections do not nest");
        }
        assertThat(own.inside()).isFalse();
    }
}
