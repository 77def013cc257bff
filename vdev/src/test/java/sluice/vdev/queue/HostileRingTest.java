package sluice.vdev.queue;

import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.trace.QueueTrace;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.SplitRings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Each rule of the ring a driver can break: the queue stops with a sentence that has the numbers. */
class HostileRingTest {
    private static final int SIZE = 8;
    private static final int NEXT = SplitRings.DESC_NEXT;
    private static final int WRITE = SplitRings.DESC_WRITE;
    private static final int INDIRECT = SplitRings.DESC_INDIRECT;
    private static final long TABLE = 32_768;

    private QueueRig rig;
    private Virtqueue queue;

    @BeforeEach
    void start() throws Exception {
        rig = QueueRig.of(SIZE);
        queue = rig.start(0);
    }

    @AfterEach
    void end() {
        rig.close();
    }

    private void descriptor(int index, long length, int flags, int next) {
        rig.driver.rings().rawDescriptor(index, rig.at(0), length, flags, next);
    }

    /** Entry {@code index} of the table at {@link #TABLE}. */
    private void inTable(int index, long length, int flags, int next) {
        rig.driver.rings().descriptorAt(rig.ram.offset(rig.at(TABLE), 16) + 16L * index, rig.at(0), length, flags,
                next);
    }

    private void tableAt(int index, long bytes, int flags) {
        rig.driver.rings().rawDescriptor(index, rig.at(TABLE), bytes, flags, 0);
    }

    private void offer(int head) {
        rig.driver.rings().rawAvail(0, head);
        rig.driver.rings().availIndex(1);
    }

    /** What is offered breaks the queue, for good, and nothing is written. */
    private void assertBroken(String sentence) {
        byte[] before = rig.ram.memory().toArray(JAVA_BYTE);
        int index = rig.driver.rings().availIndex();
        Polled broken = new Polled.Broken(sentence);
        assertThat(queue.poll()).isEqualTo(broken);
        assertThat(queue.position()).as("nothing was consumed").isZero();
        rig.driver.rings().availIndex(0);
        assertThat(queue.poll()).as("mending the ring does not mend the queue").isEqualTo(broken);
        rig.driver.rings().availIndex(index);
        assertThat(queue.enableNotifications()).isTrue();
        queue.disableNotifications();
        assertThat(queue.publish()).as("nothing is to be published").isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.ram.memory().toArray(JAVA_BYTE)).isEqualTo(before);
        assertThat(rig.interrupts).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = { 8, 9, 255, 65_535 })
    void aHeadOutsideTheTable(int head) {
        offer(head);
        assertBroken("available head " + head + " of a queue of 8");
    }

    @ParameterizedTest
    @ValueSource(ints = { 9, 100, 65_535 })
    void anIndexThatJumps(int index) {
        rig.driver.rings().availIndex(index);
        assertBroken("driver claims " + index + " new buffers in a queue of 8");
    }

    @Test
    void anIndexThatGoesBack() throws Exception {
        rig.driver.restart(100);
        queue = rig.start(100);
        rig.driver.rings().availIndex(99);
        assertThat(queue.poll()).isEqualTo(new Polled.Broken("driver claims 65535 new buffers in a queue of 8"));
    }

    @ParameterizedTest
    @ValueSource(ints = { 8, 9, 65_535 })
    void aNextOutsideTheTable(int next) {
        descriptor(2, 1, NEXT, 5);
        descriptor(5, 1, NEXT, next);
        offer(2);
        assertBroken("the descriptor chain at 2 goes from descriptor 5 to descriptor " + next
                + ", outside its table of 8");
    }

    @Test
    void aChainThatLeadsToItself() {
        descriptor(3, 1, NEXT, 3);
        offer(3);
        assertBroken("the descriptor chain at 3 is longer than its table of 8 descriptors: it loops");
    }

    @Test
    void aChainThatLoopsThroughAllOfTheTable() {
        for (int i = 0; i < SIZE; i++) descriptor(i, 1, NEXT, (i + 3) % SIZE);
        offer(6);
        assertBroken("the descriptor chain at 6 is longer than its table of 8 descriptors: it loops");
    }

    @Test
    void aQueueOfOneWhoseDescriptorLeadsToItself() throws Exception {
        try (QueueRig one = QueueRig.of(1)) {
            one.driver.rings().rawDescriptor(0, one.at(0), 1, NEXT, 0);
            one.driver.rings().availIndex(1);
            assertThat(one.start(0).poll()).isEqualTo(
                    new Polled.Broken("the descriptor chain at 0 is longer than its table of 1 descriptors: it loops"));
        }
    }

    @Test
    void aTableInATable() {
        inTable(0, 1, NEXT, 3);
        inTable(3, 64, INDIRECT, 0);
        tableAt(4, 64, INDIRECT);
        offer(4);
        assertBroken("the descriptor chain at 4 has an indirect table inside an indirect table, at its descriptor 3");
    }

    @Test
    void aTableThatGoesOnBehindItself() {
        inTable(0, 1, 0, 0);
        tableAt(4, 64, INDIRECT | NEXT);
        offer(4);
        assertBroken("the descriptor chain at 4 has an indirect descriptor with flag NEXT (virtio 1.3 §2.7.5.3.1)");
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, 1, 15, 17, 16_400, 1L << 31, 0xffff_fff0L, 0xffff_ffffL })
    void aTableOfABadLength(long bytes) {
        tableAt(4, bytes, INDIRECT);
        offer(4);
        assertBroken("the descriptor chain at 4 has an indirect table of " + bytes
                + " bytes; it must hold 1 to 1024 descriptors of 16 bytes");
    }

    @Test
    void aTableThatWasNotNegotiated() throws Exception {
        try (QueueRig plain = new QueueRig(SIZE, RingFeatures.split(false, true), 4096)) {
            plain.driver.submit(List.of(plain.buffer(0, 1)), List.of(), ChainForm.INDIRECT);
            assertThat(plain.start(0).poll()).isEqualTo(new Polled.Broken("the descriptor chain at 0 has an indirect "
                    + "table, but VIRTIO_F_INDIRECT_DESC was not negotiated"));
        }
    }

    @Test
    void aTableThatIsNoMemory() {
        rig.driver.rings().rawDescriptor(1, 1L << 40, 32, INDIRECT, 0);
        offer(1);
        assertBroken(
                "the descriptor chain at 1 has an indirect table at 0x10000000000, 32 bytes, that is not guest memory");
    }

    @Test
    void aTableThatLoops() {
        inTable(0, 1, NEXT, 1);
        inTable(1, 1, NEXT, 0);
        tableAt(4, 32, INDIRECT);
        offer(4);
        assertBroken("the descriptor chain at 4 is longer than its table of 2 descriptors: it loops");
    }

    @Test
    void aNextOutsideAnIndirectTable() {
        inTable(0, 1, NEXT, 2); // the queue's own table has a descriptor 2
        tableAt(4, 32, INDIRECT);
        offer(4);
        assertBroken("the descriptor chain at 4 goes from descriptor 0 to descriptor 2, outside its table of 2");
    }

    @Test
    void aReadableBufferBehindAWritableOne() {
        descriptor(0, 1, NEXT, 1);
        descriptor(1, 1, NEXT | WRITE, 2);
        descriptor(2, 1, 0, 0);
        offer(0);
        assertBroken("the descriptor chain at 0 has a device-readable buffer, number 3, after a device-writable one "
                + "(virtio 1.3 §2.7.4.2)");
    }

    @Test
    void aReadableBufferInATableBehindAWritableOneOutside() {
        descriptor(0, 1, NEXT | WRITE, 1);
        tableAt(1, 16, INDIRECT);
        inTable(0, 1, 0, 0);
        offer(0);
        assertBroken("the descriptor chain at 0 has a device-readable buffer, number 2, after a device-writable one "
                + "(virtio 1.3 §2.7.4.2)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0x10000000000      | 5          | 0 | 0x10000000000, 5 bytes, that is not guest memory which may be read
            0x10000000000      | 0xffffffff | 2 | 0x10000000000, 4294967295 bytes, that is not guest memory which may \
            be written
            0xffffffffffffffff | 2          | 2 | 0xffffffffffffffff, 2 bytes, that is not guest memory which may be \
            written
            0                  | 0x80000000 | 0 | 0x0, 2147483648 bytes, that is not guest memory which may be read""")
    void aBufferThatIsNoMemory(String address, String length, int flags, String sentence) {
        rig.driver.rings().rawDescriptor(7, number(address), number(length), flags, 0);
        offer(7);
        assertBroken("the descriptor chain at 7 has a buffer at " + sentence);
    }

    private static long number(String text) {
        return Long.parseUnsignedLong(text.replace("0x", ""), text.startsWith("0x") ? 16 : 10);
    }

    @Test
    void aBufferThatRunsOffTheEndOfMemory() {
        long last = rig.ram.regions().getLast().size() - 4;
        rig.driver.rings().rawDescriptor(0, last, 5, 0, 0);
        offer(0);
        assertBroken("the descriptor chain at 0 has a buffer at 0x" + Long.toHexString(last)
                + ", 5 bytes, that is not guest memory which may be read");
    }

    @Test
    void moreThan1024Buffers() throws Exception {
        try (QueueRig large = new QueueRig(2048, RingFeatures.split(true, true), 4096)) {
            List<Buffer> buffers = IntStream.range(0, 1025).mapToObj(i -> large.buffer(2L * (i % 1000), 1)).toList();
            large.driver.submit(buffers.subList(0, 1024), List.of());
            Virtqueue device = large.start(0);
            assertThat(QueueRig.chain(device.poll()).readable().bytes()).isEqualTo(1024);
            large.driver.restart(0);
            int head = large.driver.submit(buffers, List.of());
            assertThat(large.start(0).poll())
                    .isEqualTo(new Polled.Broken("the descriptor chain at " + head + " has more than 1024 buffers"));
        }
    }

    @Test
    void moreThanFourGibibytes() {
        // The guest is far smaller: the limit is checked before the addresses.
        descriptor(0, 1L << 31, NEXT, 1);
        descriptor(1, 1L << 31, NEXT, 2);
        descriptor(2, 1, 0, 0);
        offer(0);
        assertBroken("the descriptor chain at 0 has more than 2^32 bytes");
    }

    /** A chain may have 2^32 bytes: what is wrong with this one is where they are. */
    @Test
    void fourGibibytesAreNotTooMany() {
        rig.driver.rings().rawDescriptor(0, 1L << 45, 1L << 31, NEXT, 1);
        rig.driver.rings().rawDescriptor(1, 1L << 45, 1L << 31, 0, 0);
        offer(0);
        assertBroken(
                "the descriptor chain at 0 has a buffer at 0x200000000000, 2147483648 bytes, that is not guest memory "
                        + "which may be read");
    }

    @Test
    void aHeadThatIsWithTheDevice() {
        descriptor(0, 4, WRITE, 0);
        rig.driver.rings().rawAvail(0, 0);
        rig.driver.rings().rawAvail(1, 0);
        rig.driver.rings().availIndex(2);
        Chain chain = QueueRig.chain(queue.poll());
        Polled broken = new Polled.Broken("descriptor 0 was made available again before it was used");
        assertThat(queue.poll()).isEqualTo(broken);
        chain.complete(4);
        assertThat(queue.publish()).as("what it had before goes back").isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(1);
        assertThat(queue.poll()).isEqualTo(broken);
    }

    @Test
    void whatWasDoneBeforeTheQueueBreaksIsGivenBack() {
        for (int head = 0; head < 3; head++) {
            descriptor(head, 4, WRITE, 0);
            rig.driver.rings().rawAvail(head, head);
        }
        rig.driver.rings().rawAvail(3, SIZE);
        rig.driver.rings().availIndex(4);
        for (int head = 0; head < 3; head++) QueueRig.chain(queue.poll()).respond(new byte[]{ 1, 2 }, 2);
        Polled broken = queue.poll();
        assertThat(broken).isInstanceOf(Polled.Broken.class);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(3);
        assertThat(rig.interrupts).isEqualTo(1);
        assertThat(queue.poll()).isEqualTo(broken);
        assertThat(queue.position()).isEqualTo(3);
    }

    @Test
    void aHeadThatIsDoneButTheDriverCannotKnow() {
        descriptor(0, 4, WRITE, 0);
        rig.driver.rings().rawAvail(0, 0);
        rig.driver.rings().rawAvail(1, 0);
        rig.driver.rings().availIndex(2);
        QueueRig.chain(queue.poll()).complete(4);
        assertThat(queue.poll())
                .isEqualTo(new Polled.Broken("descriptor 0 was made available again before it was used"));
    }

    @Test
    void twoChainsThatShareDescriptorsAreTheDriversOwnProblem() {
        descriptor(0, 4, NEXT, 2);
        descriptor(1, 4, NEXT, 2);
        descriptor(2, 4, WRITE, 0);
        rig.driver.rings().rawAvail(0, 0);
        rig.driver.rings().rawAvail(1, 1);
        rig.driver.rings().availIndex(2);
        for (int i = 0; i < 2; i++) QueueRig.chain(queue.poll()).respond(new byte[]{ 1 }, 1);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
    }

    @ParameterizedTest
    @CsvSource({ "0,descriptor table,128", "1,available ring,22", "2,used ring,70" })
    void aRingThatIsNoMemory(int which, String name, int bytes) {
        long nowhere = 1L << 45;
        QueueLayout layout = new QueueLayout(SIZE, which == 0 ? nowhere : rig.layout.descriptors(),
                which == 1 ? nowhere : rig.layout.available(), which == 2 ? nowhere : rig.layout.used());
        SplitQueue lost = new SplitQueue(layout, 0, rig.features, rig.rings, rig.buffers, () -> rig.interrupts++,
                QueueTrace.NONE);
        Polled broken = new Polled.Broken(name + " at 0x200000000000, " + bytes + " bytes, is not guest memory");
        assertThat(lost.enableNotifications()).isTrue();
        lost.disableNotifications();
        assertThat(lost.poll()).isEqualTo(broken);
        assertThat(lost.poll()).isEqualTo(broken);
    }

    @Test
    void aRingInGuestAddressesWhereUserAddressesAreDue() {
        QueueLayout layout = new QueueLayout(SIZE, 0, 4096, 8192);
        SplitQueue lost = new SplitQueue(layout, 0, rig.features, rig.rings, rig.buffers, () -> rig.interrupts++,
                QueueTrace.NONE);
        assertThat(lost.poll()).isEqualTo(new Polled.Broken("descriptor table at 0x0, 128 bytes, is not guest memory"));
    }

    @Test
    void aLayoutThatCannotBe() {
        for (int size : new int[]{ 0, -1, 32_769, 65_536, Integer.MIN_VALUE }) {
            assertThatThrownBy(() -> new QueueLayout(size, 0, 0, 0)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("queue size " + Integer.toUnsignedLong(size) + " is not between 1 and 32768");
        }
        assertRefused(new QueueLayout(6, 0, 0, 0), false,
                "queue size 6 is not a power of two, as a split queue's must be");
        assertRefused(new QueueLayout(8, 8, 0, 0), false, "descriptor table at 0x8 is not aligned to 16 bytes");
        assertRefused(new QueueLayout(8, 0, 1, 0), false, "available ring at 0x1 is not aligned to 2 bytes");
        assertRefused(new QueueLayout(8, 0, 0, -2), false,
                "used ring at 0xfffffffffffffffe is not aligned to 4 bytes");
        assertRefused(new QueueLayout(6, 8, 0, 0), true, "descriptor ring at 0x8 is not aligned to 16 bytes");
        assertRefused(new QueueLayout(6, 0, 2, 0), true, "driver event suppression at 0x2 is not aligned to 4 bytes");
        assertRefused(new QueueLayout(6, 0, 0, 6), true, "device event suppression at 0x6 is not aligned to 4 bytes");
    }

    private static void assertRefused(QueueLayout layout, boolean packed, String sentence) {
        RingFeatures features = RingFeatures.of(packed ? RingFeatures.RING_PACKED : 0);
        assertThatThrownBy(() -> layout.check(features)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(sentence);
    }
}
