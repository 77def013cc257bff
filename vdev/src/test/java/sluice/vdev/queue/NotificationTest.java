package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.DriverQueue;

import static org.assertj.core.api.Assertions.assertThat;

/** When the driver is interrupted, and when it is asked to notify. */
class NotificationTest {
    private static QueueRig rig(int size, boolean eventIndex) throws Exception {
        return new QueueRig(size, RingFeatures.split(true, eventIndex), 4096);
    }

    /** Has {@code count} chains done and published together; returns how often the driver was interrupted. */
    private static int serve(QueueRig rig, Virtqueue queue, int count) {
        List<Chain> chains = new ArrayList<>();
        for (int i = 0; i < count; i++) rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
        for (int i = 0; i < count; i++) chains.add(QueueRig.chain(queue.poll()));
        for (Chain chain : chains) chain.complete(0);
        return publish(rig, queue);
    }

    private static int publish(QueueRig rig, Virtqueue queue) {
        int before = rig.interrupts;
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        return rig.interrupts - before;
    }

    private static void drain(DriverQueue driver) {
        while (driver.poll().isPresent()) {
            assertThat(driver.lastUsed()).isBetween(0, 65_535);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aBatchIsPublishedAtOnceWithOneInterrupt(boolean eventIndex) throws Exception {
        try (QueueRig rig = rig(8, eventIndex)) {
            Virtqueue queue = rig.start(0);
            for (int round = 0; round < 10; round++) {
                int used = rig.driver.rings().usedIndex();
                List<Chain> chains = new ArrayList<>();
                for (int i = 0; i < 5; i++) rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
                for (int i = 0; i < 5; i++) chains.add(QueueRig.chain(queue.poll()));
                for (Chain chain : chains) {
                    chain.complete(0);
                    assertThat(rig.driver.rings().usedIndex()).as("not published yet").isEqualTo(used);
                }
                assertThat(publish(rig, queue)).isEqualTo(1);
                assertThat(rig.driver.rings().usedIndex()).isEqualTo(used + 5);
                assertThat(publish(rig, queue)).as("nothing new").isZero();
                drain(rig.driver);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void theFirstPublicationOfALifeAlwaysInterrupts(boolean eventIndex) throws Exception {
        try (QueueRig rig = rig(8, eventIndex)) {
            rig.driver.interruptsOff();
            for (int life = 0; life < 3; life++) {
                Virtqueue queue = rig.start(2 * life);
                assertThat(serve(rig, queue, 1)).isEqualTo(1);
                assertThat(serve(rig, queue, 1)).isZero();
                drain(rig.driver);
                queue.stop();
            }
        }
    }

    @Test
    void withoutEventIndexTheDriversFlagIsObeyed() throws Exception {
        try (QueueRig rig = rig(8, false)) {
            Virtqueue queue = rig.start(0);
            serve(rig, queue, 1);
            drain(rig.driver);
            rig.driver.rings().usedEvent(1); // means nothing now
            for (int round = 0; round < 5; round++) {
                rig.driver.interruptsOff();
                assertThat(serve(rig, queue, 2)).isZero();
                drain(rig.driver);
                rig.driver.interruptEvery(1);
                assertThat(serve(rig, queue, 2)).isEqualTo(1);
                drain(rig.driver);
            }
        }
    }

    @Test
    void withEventIndexTheDriversFlagMeansNothing() throws Exception {
        try (QueueRig rig = rig(8, true)) {
            Virtqueue queue = rig.start(0);
            rig.driver.rings().availFlags(1);
            assertThat(serve(rig, queue, 1)).isEqualTo(1);
            drain(rig.driver);
            assertThat(serve(rig, queue, 1)).isEqualTo(1);
        }
    }

    /** Every event index against every batch, over the wrap; the formula is tested by counting, not by another one. */
    @Test
    void withEventIndexTheDriverIsInterruptedExactlyWhenItsEntryIsPublished() throws Exception {
        try (QueueRig rig = rig(16, true)) {
            rig.driver.restart(65_530);
            Virtqueue queue = rig.start(65_530);
            serve(rig, queue, 1);
            drain(rig.driver);
            int interrupts = 0;
            for (int batch = 1; batch <= 16; batch++) {
                for (int ahead = -20; ahead <= 20; ahead++) {
                    int old = rig.driver.rings().usedIndex();
                    rig.driver.rings().usedEvent((old + ahead) & 0xffff);
                    boolean expected = ahead >= 0 && ahead < batch;
                    assertThat(serve(rig, queue, batch)).as("event %d entries ahead, %d published", ahead, batch)
                            .isEqualTo(expected ? 1 : 0);
                    interrupts += expected ? 1 : 0;
                    drain(rig.driver);
                }
            }
            assertThat(interrupts).isEqualTo(16 * 17 / 2);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void withNotifyOnEmptyAQueueThatRanEmptyInterruptsADriverThatWantsNone(boolean eventIndex) throws Exception {
        for (boolean negotiated : new boolean[]{ true, false }) {
            RingFeatures features = new RingFeatures(true, eventIndex, false, false, negotiated);
            try (QueueRig rig = new QueueRig(8, features, 4096)) {
                Virtqueue queue = rig.start(0);
                serve(rig, queue, 1);
                rig.driver.interruptsOff();
                drain(rig.driver);
                assertThat(serve(rig, queue, 2)).as("nothing is left").isEqualTo(negotiated ? 1 : 0);
                drain(rig.driver);
                for (int i = 0; i < 3; i++) rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
                Chain first = QueueRig.chain(queue.poll());
                Chain second = QueueRig.chain(queue.poll());
                first.complete(0);
                assertThat(publish(rig, queue)).as("one is with the device, one in the ring").isZero();
                second.complete(0);
                assertThat(publish(rig, queue)).as("one is in the ring").isZero();
                QueueRig.chain(queue.poll()).complete(0);
                assertThat(publish(rig, queue)).as("the last").isEqualTo(negotiated ? 1 : 0);
            }
        }
    }

    @Test
    void withoutEventIndexTheDeviceSetsAndClearsItsFlag() throws Exception {
        try (QueueRig rig = rig(8, false)) {
            Virtqueue queue = rig.start(0);
            assertThat(rig.driver.rings().usedFlags()).isZero();
            queue.disableNotifications();
            assertThat(rig.driver.rings().usedFlags()).isEqualTo(1);
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            assertThat(rig.driver.kickNeeded()).isFalse();
            assertThat(queue.enableNotifications()).as("it arrived meanwhile").isTrue();
            assertThat(rig.driver.rings().usedFlags()).isZero();
            QueueRig.chain(queue.poll());
            assertThat(queue.enableNotifications()).isFalse();
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            assertThat(rig.driver.kickNeeded()).isTrue();
        }
    }

    @Test
    void withEventIndexTheDeviceNamesTheEntryItWaitsFor() throws Exception {
        try (QueueRig rig = rig(8, true)) {
            rig.driver.restart(65_534);
            Virtqueue queue = rig.start(65_534);
            for (int i = 0; i < 6; i++) {
                assertThat(queue.enableNotifications()).isFalse();
                assertThat(rig.driver.rings().availEvent()).isEqualTo((65_534 + i) & 0xffff);
                rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
                assertThat(rig.driver.kickNeeded()).isTrue();
                assertThat(queue.enableNotifications()).as("it is there").isTrue();
                QueueRig.chain(queue.poll());
                queue.disableNotifications();
                assertThat(rig.driver.rings().usedFlags()).as("the flag is not used").isZero();
            }
            // Awake, it is not notified of what it will see anyway.
            rig.driver.rings().availEvent(65_000);
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            assertThat(rig.driver.kickNeeded()).isFalse();
        }
    }
}
