package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SplitRings;

import static org.assertj.core.api.Assertions.assertThat;

/** Neither end ever sleeps while the other waits for it. */
@ParameterizedClass
@EnumSource
class LostNotificationTest {
    private static final long SEED = 20260109;

    private final RingKind kind;

    LostNotificationTest(RingKind kind) {
        this.kind = kind;
    }

    /** Both ends, one step of one of them at a time. Either sleeps when it sees nothing, until notified. */
    private static final class Ends {
        private final QueueRig rig;
        private final Virtqueue queue;
        private final EchoTraffic traffic;
        private final Random random;
        private final List<Chain> open = new ArrayList<>();
        private boolean kicked;
        /** Published, and the driver has not looked yet whether the device wants to know. */
        private boolean unchecked;
        private boolean deviceSleeps;
        private boolean driverSleeps;
        private int interruptsSeen;
        /** Interrupt at every n-th used entry; 0 for none: then the driver does not sleep. */
        private int wish = 1;
        /** Completed and not published: chains, and the entries they take in a packed ring. */
        private int completedUnpublished;
        private int completedEntries;
        private int polled;
        private int publishedChains;
        private boolean published;
        private int sleeps;

        Ends(QueueRig rig, int position, long seed) {
            this.rig = rig;
            rig.driver.restart(position);
            this.queue = rig.start(position);
            this.traffic = new EchoTraffic(rig, seed);
            this.random = new Random(seed);
        }

        void step(boolean mayAdd) {
            switch (random.nextInt(8)) {
                case 0, 1 -> submit(mayAdd);
                case 2, 3 -> driverTakes();
                default -> deviceStep();
            }
            check();
        }

        private void submit(boolean mayAdd) {
            if (unchecked) {
                unchecked = false;
                if (rig.driver.kickNeeded()) kicked = true;
            } else if (mayAdd && traffic.add()) {
                while (random.nextBoolean() && traffic.add())
                    assertThat(traffic.submitted).isPositive();
                rig.driver.publish();
                unchecked = true;
            }
        }

        private void driverTakes() {
            if (driverSleeps) {
                // Now and then it wakes by itself, as a driver with a watchdog does.
                if (interruptsSeen == rig.interrupts && random.nextInt(50) != 0) return;
                driverSleeps = false;
            }
            interruptsSeen = rig.interrupts;
            if (random.nextInt(10) == 0) wishAnew();
            if (!traffic.take() && wish > 0) {
                driverSleeps = true;
                sleeps++;
            }
        }

        private void wishAnew() {
            wish = random.nextInt(rig.features.eventIndex() ? Math.min(4, rig.layout.size() + 1) : 2);
            if (wish == 0) {
                rig.driver.interruptsOff();
            } else {
                rig.driver.interruptEvery(wish);
            }
        }

        private void deviceStep() {
            if (deviceSleeps && kicked) {
                kicked = false;
                deviceSleeps = false;
                queue.disableNotifications();
            }
            switch (random.nextInt(4)) {
                case 0 -> completeOne();
                case 1 -> publish();
                default -> {
                    if (!deviceSleeps) look();
                }
            }
        }

        private void look() {
            if (queue.poll() instanceof Chain chain) {
                open.add(chain);
                polled++;
            } else if (!queue.enableNotifications()) {
                deviceSleeps = true;
                sleeps++;
            }
        }

        private void completeOne() {
            if (open.isEmpty()) return;
            Chain chain = open.remove(random.nextInt(open.size()));
            EchoTraffic.answer(chain);
            completedUnpublished++;
            completedEntries += chain.descriptors();
        }

        /** The driver is notified exactly when requested: when its event entry is among those published. */
        private void publish() {
            int before = rig.interrupts;
            boolean expected = completedUnpublished > 0
                    && (!published || (rig.kind == RingKind.SPLIT ? splitWish() : packedWish()));
            assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
            assertThat(rig.interrupts - before).isEqualTo(expected ? 1 : 0);
            published |= completedUnpublished > 0;
            publishedChains += completedUnpublished;
            completedUnpublished = 0;
            completedEntries = 0;
        }

        private boolean splitWish() {
            SplitRings rings = rig.driver.rings();
            if (!rig.features.eventIndex()) return rings.availFlags() == 0;
            boolean reached = false;
            for (int i = 0; i < completedUnpublished; i++) {
                reached |= ((rings.usedIndex() + i) & 0xffff) == rings.usedEvent();
            }
            return reached;
        }

        private boolean packedWish() {
            PackedRing ring = rig.driver.packed();
            if (ring.driverEventFlags() != PackedRing.EVENT_AT) return ring.driverEventFlags() == PackedRing.EVENTS_ON;
            int entry = queue.position() >>> 16;
            boolean reached = false;
            for (int i = 0; i < completedEntries; i++) {
                reached |= entry == ring.driverEvent();
                entry = (entry & 0x7fff) == rig.layout.size() - 1 ? ~entry & PackedRing.WRAP : entry + 1;
            }
            return reached;
        }

        private void check() {
            if (deviceSleeps && !kicked && !unchecked) {
                assertThat(polled).as("a device asleep has seen everything").isEqualTo(traffic.submitted);
            }
            if (driverSleeps && interruptsSeen == rig.interrupts) {
                assertThat(publishedChains - traffic.taken)
                        .as("entries a driver asleep does not know, that wants %d", wish)
                        .isLessThan(wish);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({ "1,true", "1,false", "2,true", "2,false", "4,true", "4,false", "16,true", "16,false" })
    void neverInSeededInterleavingsOfTheirSteps(int size, boolean eventIndex) throws Exception {
        for (long seed = SEED; seed < SEED + 10; seed++) {
            try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, eventIndex),
                    (long) size * EchoTraffic.SLOT_BYTES)) {
                Ends ends = new Ends(rig, QueueRig.somewhere(kind, size), seed);
                try {
                    for (int i = 0; i < 15_000; i++) ends.step(true);
                    for (int i = 0; i < 20_000; i++) ends.step(false);
                } catch (AssertionError e) {
                    throw new AssertionError("seed " + seed, e);
                }
                assertThat(ends.traffic.taken).as("seed %d", seed).isGreaterThan(300);
                assertThat(ends.queue.inFlight()).as("seed %d", seed).isZero();
                assertThat(ends.sleeps).as("seed %d", seed).isGreaterThan(100);
            }
        }
    }

    /** The same with real threads: a wake-up that is lost would hang here. */
    @ParameterizedTest
    @CsvSource({ "1,true", "1,false", "8,true", "8,false", "256,true", "256,false" })
    @Timeout(60)
    void neverBetweenTwoThreadsThatSleep(int size, boolean eventIndex) throws Exception {
        int chains = 40_000;
        try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, eventIndex),
                (long) size * EchoTraffic.SLOT_BYTES)) {
            int position = QueueRig.somewhere(kind, size);
            rig.driver.restart(position);
            Semaphore kick = new Semaphore(0);
            Semaphore call = new Semaphore(0);
            Virtqueue queue = Virtqueue.open(rig.layout, position, rig.features, rig.rings, rig.buffers,
                    call::release);
            CompletableFuture<Void> device = CompletableFuture.runAsync(() -> {
                for (int served = 0; served < chains;) {
                    await(kick, "a kick");
                    queue.disableNotifications();
                    do {
                        while (queue.poll() instanceof Chain chain) {
                            EchoTraffic.answer(chain);
                            served++;
                        }
                    } while (queue.enableNotifications());
                    queue.publish();
                }
            });
            EchoTraffic traffic = new EchoTraffic(rig, SEED);
            int kicks = 0;
            while (traffic.taken < chains) {
                while (traffic.submitted < chains && traffic.add()) {
                    rig.driver.publish();
                    if (rig.driver.kickNeeded()) {
                        kick.release();
                        kicks++;
                    }
                }
                if (!traffic.take()) await(call, "an interrupt");
            }
            device.get(10, TimeUnit.SECONDS);
            queue.stop();
            assertThat(kicks).isBetween(1, chains);
            assertThat(rig.driver.inFlight()).isZero();
        }
    }

    private static void await(Semaphore event, String what) {
        try {
            if (!event.tryAcquire(10, TimeUnit.SECONDS)) throw new AssertionError(what + " did not come within 10 s");
            event.drainPermits();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while waiting for " + what, e);
        }
    }
}
