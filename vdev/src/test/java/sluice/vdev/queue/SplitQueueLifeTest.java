package sluice.vdev.queue;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.Used;

import static org.assertj.core.api.Assertions.assertThat;

/** Where a split queue's life begins. */
class SplitQueueLifeTest {
    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 7, 8, 32_767, 65_535 })
    void theUsedIndexIsReadFromTheDriversMemoryAtTheStart(int index) throws Exception {
        try (QueueRig rig = QueueRig.of(8)) {
            rig.driver.restart(index);
            // As after a reboot, or a restart of this process: the position is set, the used index is not.
            Virtqueue queue = rig.start(index);
            int head = rig.driver.submit(List.of(rig.buffer(0, 1)), List.of(rig.buffer(8, 4)));
            QueueRig.chain(queue.poll()).complete(4);
            queue.publish();
            assertThat(rig.driver.rings().usedIndex()).isEqualTo((index + 1) & 0xffff);
            assertThat(rig.driver.poll()).contains(new Used(head, 4));
        }
    }

    @Test
    void theUsedIndexIsNotReadAgainWhileTheQueueRuns() throws Exception {
        try (QueueRig rig = QueueRig.of(8)) {
            Virtqueue queue = rig.start(0);
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            Chain chain = QueueRig.chain(queue.poll());
            rig.driver.rings().usedIndex(500);
            rig.view.adopt(rig.table(rig.ram)); // the rings are resolved anew
            chain.complete(0);
            queue.publish();
            assertThat(rig.driver.rings().usedIndex()).isEqualTo(1);
        }
    }

    @Test
    void onlyTheLow16BitsOfThePositionCount() throws Exception {
        try (QueueRig rig = QueueRig.of(8)) {
            rig.driver.restart(65_535);
            Virtqueue queue = rig.start(0x7fff_ffff);
            assertThat(queue.position()).isEqualTo(65_535);
            rig.driver.submit(List.of(rig.buffer(0, 1)), List.of());
            QueueRig.chain(queue.poll());
            assertThat(queue.position()).isZero();
        }
    }
}
