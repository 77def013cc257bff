package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Predicate;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Each end writes what the other waits for, then reads whether the other has requested a notification. If both read
 * before both have written, both go to sleep; a processor reorders so without a fence in between. Both do it here at
 * once, again and again, with many queues so that one of them meets the narrow moment.
 */
@ParameterizedClass
@EnumSource
@Timeout(60)
class WakeUpRaceTest {
    private static final long SEED = 20261129;
    private static final int QUEUES = 32;
    private static final int ROUNDS = 5_000;
    /** A quiet machine does all rounds in less; a busy one races less often, and says nothing wrong. */
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final int OVER = Integer.MAX_VALUE;

    private final RingKind kind;

    WakeUpRaceTest(RingKind kind) {
        this.kind = kind;
    }

    /** Both ends of one queue, with one chain in it. */
    private static final class Ends {
        private final QueueRig rig;
        private final Virtqueue queue;
        private Chain open;
        private int interruptsBefore;
        private boolean seenByDriver;
        private boolean seenByDevice;
        private boolean kicked;

        Ends(RingKind kind, boolean eventIndex) throws Exception {
            rig = new QueueRig(4, QueueRig.features(kind, eventIndex), 4096);
            queue = rig.start();
            open = submitted();
        }

        private Chain submitted() {
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            return QueueRig.chain(queue.poll());
        }

        /** A chain is done, and the driver does not want to know. */
        void prepareUsed() {
            rig.driver.interruptsOff();
            open.complete(0);
            interruptsBefore = rig.interrupts;
        }

        void deviceUses() {
            queue.publish();
        }

        void driverWishesAndLooks() {
            rig.driver.interruptEvery(1);
            seenByDriver = rig.driver.usedPending();
        }

        boolean driverMissedIt() {
            boolean told = rig.interrupts != interruptsBefore;
            rig.driver.poll();
            open = submitted();
            return !told && !seenByDriver;
        }

        /** The device is awake and has seen everything; a chain is in the ring's memory and not published. */
        void prepareAvailable() {
            queue.disableNotifications();
            open.complete(0);
            queue.publish();
            rig.driver.poll();
            rig.driver.kickNeeded();
            rig.driver.add(List.of(rig.buffer(0, 1)), List.of(), ChainForm.DIRECT);
        }

        void deviceWishesAndLooks() {
            seenByDevice = queue.enableNotifications();
        }

        void driverSubmits() {
            rig.driver.publish();
            kicked = rig.driver.kickNeeded();
        }

        boolean deviceMissedIt() {
            open = QueueRig.chain(queue.poll());
            return !kicked && !seenByDevice;
        }
    }

    /**
     * Runs both ends of every queue side by side, each in one thread that waits for the other before each queue; until the
     * first time that something is missed, or for as long as is allowed.
     *
     * @param missed what a queue's ends say when both are through
     */
    private static void race(List<Ends> all, Consumer<Ends> prepare, Consumer<Ends> device, Consumer<Ends> driver,
            Predicate<Ends> missed) throws Exception {
        AtomicInteger deviceAt = new AtomicInteger();
        AtomicInteger driverAt = new AtomicInteger();
        CompletableFuture<Void> deviceEnd = CompletableFuture.runAsync(() -> {
            Random random = new Random(~SEED);
            for (int turn = 1; meet(deviceAt, driverAt, turn) != OVER; turn++) {
                dawdle(random, 4);
                device.accept(all.get(turn % QUEUES));
                deviceAt.set(turn + 1);
            }
        });
        Random random = new Random(SEED);
        long end = System.nanoTime() + LIMIT_NANOS;
        int count = 0;
        int turn = 1;
        for (int round = 1; count == 0 && round <= ROUNDS && System.nanoTime() - end < 0; round++) {
            all.forEach(prepare);
            for (int i = 0; i < QUEUES; i++) {
                meet(driverAt, deviceAt, turn);
                dawdle(random, 8);
                driver.accept(all.get(turn++ % QUEUES));
            }
            await(deviceAt, turn);
            for (Ends one : all) {
                if (missed.test(one)) count++;
            }
        }
        driverAt.set(OVER);
        deviceEnd.get(10, TimeUnit.SECONDS);
        all.forEach(one -> one.rig.close());
        assertThat(count).as("ends that sleep while the other waits for them, seed %d", SEED).isZero();
    }

    /** Neither end is always the first by the same time. */
    private static void dawdle(Random random, int most) {
        for (int i = random.nextInt(most + 1); i > 0; i--) Thread.onSpinWait();
    }

    private static int meet(AtomicInteger mine, AtomicInteger other, int turn) {
        mine.set(turn);
        return await(other, turn);
    }

    /** Spins, because what sleeps wakes up too late to race; other work on the machine gets its turn now and then. */
    private static int await(AtomicInteger counter, int value) {
        for (int spins = 1; counter.get() < value; spins++) {
            if (spins % 1024 == 0) LockSupport.parkNanos(1);
            Thread.onSpinWait();
        }
        return counter.get();
    }

    private List<Ends> ends(boolean eventIndex) throws Exception {
        List<Ends> ends = new ArrayList<>();
        for (int i = 0; i < QUEUES; i++) ends.add(new Ends(kind, eventIndex));
        return ends;
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aDriverThatLooksAndThenSleepsIsInterrupted(boolean eventIndex) throws Exception {
        race(ends(eventIndex), Ends::prepareUsed, Ends::deviceUses, Ends::driverWishesAndLooks, Ends::driverMissedIt);
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aDeviceThatLooksAndThenSleepsIsKicked(boolean eventIndex) throws Exception {
        race(ends(eventIndex), Ends::prepareAvailable, Ends::deviceWishesAndLooks, Ends::driverSubmits,
                Ends::deviceMissedIt);
    }
}
