package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/** When the driver of a packed ring is interrupted, and when it is asked to notify (virtio 1.3 §2.8.10). */
class PackedNotificationTest {
    private static QueueRig rig(int size, boolean eventIndex) throws Exception {
        return new QueueRig(size, QueueRig.features(RingKind.PACKED, eventIndex), 4096);
    }

    /** Has {@code count} chains of one descriptor done and published together; returns the number of interrupts. */
    private static int serve(QueueRig rig, Virtqueue queue, int count) {
        List<Chain> chains = new ArrayList<>();
        for (int i = 0; i < count; i++) rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
        for (int i = 0; i < count; i++) chains.add(QueueRig.chain(queue.poll()));
        for (Chain chain : chains) {
            assertThat(rig.driver.usedPending()).as("not published yet").isFalse();
            chain.complete(0);
        }
        return publish(rig, queue);
    }

    private static int publish(QueueRig rig, Virtqueue queue) {
        int before = rig.interrupts;
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        return rig.interrupts - before;
    }

    private static int drain(QueueRig rig) {
        int taken = 0;
        while (rig.driver.poll().isPresent())
            taken++;
        return taken;
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aBatchIsPublishedAtOnceWithOneInterrupt(boolean eventIndex) throws Exception {
        try (QueueRig rig = rig(7, eventIndex)) {
            Virtqueue queue = rig.start();
            for (int round = 0; round < 20; round++) {
                assertThat(serve(rig, queue, 5)).isEqualTo(1);
                assertThat(publish(rig, queue)).as("nothing new").isZero();
                assertThat(drain(rig)).isEqualTo(5);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void theFirstPublicationOfALifeAlwaysInterrupts(boolean eventIndex) throws Exception {
        try (QueueRig rig = rig(5, eventIndex)) {
            rig.driver.interruptsOff();
            for (int life = 0; life < 4; life++) {
                Virtqueue queue = rig.start(rig.driver.position());
                assertThat(serve(rig, queue, 1)).isEqualTo(1);
                assertThat(drain(rig)).isEqualTo(1);
                assertThat(serve(rig, queue, 1)).isZero();
                assertThat(drain(rig)).isEqualTo(1);
                queue.stop();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aDriverThatWantsNoneGetsNone(boolean eventIndex) throws Exception {
        try (QueueRig rig = rig(8, eventIndex)) {
            Virtqueue queue = rig.start();
            serve(rig, queue, 1);
            for (int round = 0; round < 5; round++) {
                rig.driver.interruptsOff();
                drain(rig);
                assertThat(serve(rig, queue, 2)).isZero();
                rig.driver.interruptEvery(1);
                drain(rig);
                assertThat(serve(rig, queue, 2)).isEqualTo(1);
            }
        }
    }

    /** Flags the driver may not use: better one interrupt too many than one too few. */
    @Test
    void withoutEventIndexEverythingButOffMeansOn() throws Exception {
        try (QueueRig rig = rig(8, false)) {
            Virtqueue queue = rig.start();
            serve(rig, queue, 1);
            for (int flags : new int[]{ PackedRing.EVENT_AT, 3, 0x8000, 0xffff }) {
                drain(rig);
                rig.driver.packed().driverEvents(6 | PackedRing.WRAP, flags);
                assertThat(serve(rig, queue, 1)).as("flags 0x%x", flags).isEqualTo(1);
            }
        }
    }

    /** Every event against every batch, over many laps; the formula is tested by counting, not by another one. */
    @ParameterizedTest
    @ValueSource(ints = { 11, 16 })
    void theDriverIsInterruptedExactlyWhenItsEntryIsPublished(int size) throws Exception {
        try (QueueRig rig = rig(size, true)) {
            Virtqueue queue = rig.start();
            serve(rig, queue, 1);
            drain(rig);
            int interrupts = 0;
            for (int batch = 1; batch <= size; batch++) {
                for (int ahead = 1 - size; ahead < size; ahead++) {
                    rig.driver.packed().driverEvents(entry(rig, ahead), PackedRing.EVENT_AT);
                    boolean expected = ahead >= 0 && ahead < batch;
                    assertThat(serve(rig, queue, batch)).as("event %d entries ahead, %d published", ahead, batch)
                            .isEqualTo(expected ? 1 : 0);
                    interrupts += expected ? 1 : 0;
                    drain(rig);
                }
            }
            assertThat(interrupts).isEqualTo(size * (size + 1) / 2);
        }
    }

    /** The entry {@code ahead} of the one that is used next, counted in one lap with wrap counter 1 and one with 0. */
    private static int entry(QueueRig rig, int ahead) {
        int size = rig.layout.size();
        int next = rig.driver.lastUsed();
        int place = (next & 0x7fff) + ((next & PackedRing.WRAP) == 0 ? size : 0);
        int wanted = Math.floorMod(place + ahead, 2 * size);
        return wanted < size ? wanted | PackedRing.WRAP : wanted - size;
    }

    @Test
    void aChainOfManyEntriesIsPublishedWithAllOfThem() throws Exception {
        try (QueueRig rig = rig(8, true)) {
            Virtqueue queue = rig.start();
            serve(rig, queue, 1);
            drain(rig);
            for (int ahead = 0; ahead < 5; ahead++) {
                rig.driver.packed().driverEvents(entry(rig, ahead), PackedRing.EVENT_AT);
                rig.driver.submit(List.of(rig.buffer(0, 1), rig.buffer(1, 1), rig.buffer(2, 1)), List.of());
                QueueRig.chain(queue.poll()).complete(0);
                assertThat(publish(rig, queue)).as("%d ahead", ahead).isEqualTo(ahead < 3 ? 1 : 0);
                drain(rig);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void withNotifyOnEmptyAQueueThatRanEmptyInterruptsADriverThatWantsNone(boolean negotiated) throws Exception {
        RingFeatures features = new RingFeatures(true, true, true, false, negotiated);
        try (QueueRig rig = new QueueRig(8, features, 4096)) {
            Virtqueue queue = rig.start();
            serve(rig, queue, 1);
            rig.driver.interruptsOff();
            drain(rig);
            assertThat(serve(rig, queue, 2)).as("nothing is left").isEqualTo(negotiated ? 1 : 0);
            for (int i = 0; i < 2; i++) rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            QueueRig.chain(queue.poll()).complete(0);
            assertThat(publish(rig, queue)).as("one is in the ring").isZero();
            QueueRig.chain(queue.poll()).complete(0);
            assertThat(publish(rig, queue)).as("the last").isEqualTo(negotiated ? 1 : 0);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void theDeviceSaysWhetherItWantsToBeKickedAndAtWhichEntry(boolean eventIndex) throws Exception {
        try (QueueRig rig = rig(3, eventIndex)) {
            Virtqueue queue = rig.start();
            for (int i = 0; i < 20; i += 2) {
                queue.disableNotifications();
                assertThat(rig.driver.packed().deviceEventFlags()).isEqualTo(PackedRing.EVENTS_OFF);
                assertThat(queue.enableNotifications()).isFalse();
                assertThat(rig.driver.packed().deviceEventFlags())
                        .isEqualTo(eventIndex ? PackedRing.EVENT_AT : PackedRing.EVENTS_ON);
                if (eventIndex) {
                    assertThat(rig.driver.packed().deviceEvent())
                            .isEqualTo(i % 3 | (i / 3 % 2 == 0 ? PackedRing.WRAP : 0));
                }
                rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
                assertThat(rig.driver.kickNeeded()).isTrue();
                assertThat(queue.enableNotifications()).as("it is there").isTrue();
                QueueRig.chain(queue.poll()).complete(0);
                queue.disableNotifications();
                queue.publish();
                drain(rig);
                rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
                assertThat(rig.driver.kickNeeded()).as("a device that is awake").isFalse();
                QueueRig.chain(queue.poll()).complete(0);
                queue.publish();
                drain(rig);
            }
        }
    }
}
