package sluice.vdev.queue;

import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/** Each rule of a packed ring a driver can break: the queue stops with a sentence that has the numbers. */
class HostilePackedRingTest {
    private static final int SIZE = 8;
    private static final int NEXT = PackedRing.NEXT;
    private static final int WRITE = PackedRing.WRITE;
    private static final int INDIRECT = PackedRing.INDIRECT;
    /** Made available in the first lap, and in the second. */
    private static final int AVAIL = PackedRing.AVAIL;
    private static final int AVAIL_AGAIN = PackedRing.USED;
    private static final long TABLE = 32_768;

    private QueueRig rig;
    private Virtqueue queue;

    @BeforeEach
    void start() throws Exception {
        rig = QueueRig.of(RingKind.PACKED, SIZE);
        queue = rig.start();
    }

    @AfterEach
    void end() {
        rig.close();
    }

    private PackedRing ring() {
        return rig.driver.packed();
    }

    private void descriptor(int index, long length, int flags) {
        ring().descriptor(index, rig.at(0), length, 5, flags | AVAIL);
    }

    /** Entry {@code index} of the table at {@link #TABLE}. */
    private void inTable(int index, long length, int flags) {
        ring().descriptorAt(rig.ram.offset(rig.at(TABLE), 16) + 16L * index, rig.at(0), length, 0, flags);
    }

    private void tableAt(int index, long bytes, int flags) {
        ring().descriptor(index, rig.at(TABLE), bytes, 5, flags | INDIRECT | AVAIL);
    }

    /** What is offered breaks the queue, for good, and nothing is written. */
    private void assertBroken(String sentence) {
        byte[] before = rig.ram.memory().toArray(JAVA_BYTE);
        int position = queue.position();
        Polled broken = new Polled.Broken(sentence);
        assertThat(queue.poll()).isEqualTo(broken);
        assertThat(queue.position()).as("nothing was consumed").isEqualTo(position);
        int flags = ring().flags(0);
        ring().flags(0, 0);
        assertThat(queue.poll()).as("mending the ring does not mend the queue").isEqualTo(broken);
        ring().flags(0, flags);
        assertThat(queue.enableNotifications()).isTrue();
        queue.disableNotifications();
        assertThat(queue.publish()).as("nothing is to be published").isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.ram.memory().toArray(JAVA_BYTE)).isEqualTo(before);
        assertThat(rig.interrupts).isZero();
    }

    @Test
    void aChainLongerThanTheRing() {
        for (int i = 0; i < SIZE; i++) descriptor(i, 1, NEXT);
        assertBroken("the descriptor chain at 0 is longer than the ring of 8");
    }

    @Test
    void aRingOfOneWhoseDescriptorGoesOn() throws Exception {
        try (QueueRig one = QueueRig.of(RingKind.PACKED, 1)) {
            one.driver.packed().descriptor(0, one.at(0), 1, 0, NEXT | AVAIL);
            assertThat(one.start().poll())
                    .isEqualTo(new Polled.Broken("the descriptor chain at 0 is longer than the ring of 1"));
        }
    }

    @Test
    void aChainMayGoOnAtTheRingsBeginning() throws Exception {
        int position = 6 | PackedRing.WRAP;
        rig.driver.restart(position << 16 | position);
        Virtqueue late = rig.start(position << 16 | position);
        int id = rig.driver.submit(List.of(rig.buffer(0, 1), rig.buffer(8, 2), rig.buffer(16, 3)),
                List.of(rig.buffer(24, 4)));
        Chain chain = QueueRig.chain(late.poll());
        assertThat(chain.readable().bytes()).isEqualTo(6);
        assertThat(late.position()).as("entry 2 of the next lap").isEqualTo(position << 16 | 2);
        assertThat(late.poll()).isEqualTo(Polled.Empty.EMPTY);
        chain.complete(4);
        late.publish();
        assertThat(ring().flags(6)).as("used where it began").isEqualTo(AVAIL | PackedRing.USED | WRITE);
        assertThat(rig.driver.poll()).contains(new Used(id, 4));
        assertThat(late.position()).isEqualTo(rig.driver.position());
    }

    @Test
    void moreThanTheRingHolds() {
        rig.driver.submit(IntStream.range(0, SIZE).mapToObj(i -> rig.buffer(8L * i, 8)).toList(), List.of());
        QueueRig.chain(queue.poll());
        ring().descriptor(0, rig.at(0), 1, 5, AVAIL_AGAIN);
        assertBroken("driver made 1 descriptors available while 8 of 8 are not used yet");
    }

    @Test
    void aChainThatRunsIntoOneThatIsNotUsedYet() {
        rig.driver.submit(List.of(rig.buffer(0, 1), rig.buffer(8, 1)), List.of());
        QueueRig.chain(queue.poll());
        for (int i = 2; i < SIZE; i++) descriptor(i, 1, NEXT);
        ring().descriptor(0, rig.at(0), 1, 5, AVAIL_AGAIN);
        assertBroken("driver made 7 descriptors available while 2 of 8 are not used yet");
    }

    /** A driver with the wrong wrap counter is not noticed; a device cannot detect it. */
    @ParameterizedTest
    @ValueSource(ints = { 0, AVAIL_AGAIN, AVAIL | AVAIL_AGAIN })
    void flagsOfAnotherLap(int flags) {
        ring().descriptor(0, rig.at(0), 1, 5, flags);
        assertThat(queue.poll()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(queue.enableNotifications()).isFalse();
        ring().flags(0, AVAIL);
        assertThat(queue.enableNotifications()).isTrue();
        QueueRig.chain(queue.poll());
    }

    @Test
    void onlyTheFirstFlagsSayThatAChainIsAvailable() {
        ring().descriptor(1, rig.at(0), 2, 9, WRITE);
        ring().descriptor(0, rig.at(0), 1, 5, NEXT | AVAIL);
        assertThat(QueueRig.chain(queue.poll()).id()).as("the last descriptor's").isEqualTo(9);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 8, 255, 65_535 })
    void aBufferIdIsTheDriversAndGoesBackAsItCame(int id) {
        ring().descriptor(0, rig.at(0), 4, id, WRITE | AVAIL);
        ring().descriptor(1, rig.at(8), 4, id, WRITE | AVAIL);
        for (int i = 0; i < 2; i++) {
            Chain chain = QueueRig.chain(queue.poll());
            assertThat(chain.id()).isEqualTo(id);
            chain.complete(i + 1);
        }
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        for (int i = 0; i < 2; i++) {
            assertThat(ring().id(i)).isEqualTo(id);
            assertThat(ring().length(i)).isEqualTo(i + 1);
        }
    }

    @Test
    void aTableInATable() {
        inTable(0, 1, 0);
        inTable(1, 64, INDIRECT);
        tableAt(0, 64, 0);
        assertBroken("the descriptor chain at 0 has an indirect table inside an indirect table, at its descriptor 1");
    }

    @Test
    void aTableThatGoesOnBehindItself() {
        inTable(0, 1, 0);
        tableAt(0, 16, NEXT);
        assertBroken("the descriptor chain at 0 has an indirect descriptor with flag NEXT (virtio 1.3 §2.7.5.3.1)");
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, 1, 15, 17, 16_400, 1L << 31, 0xffff_fff0L, 0xffff_ffffL })
    void aTableOfABadLength(long bytes) {
        tableAt(0, bytes, 0);
        assertBroken("the descriptor chain at 0 has an indirect table of " + bytes
                + " bytes; it must hold 1 to 1024 descriptors of 16 bytes");
    }

    @Test
    void aTableThatWasNotNegotiated() throws Exception {
        try (QueueRig plain = new QueueRig(SIZE, new RingFeatures(false, true, true, false, false), 4096)) {
            plain.driver.submit(List.of(plain.buffer(0, 1)), List.of(), ChainForm.INDIRECT);
            assertThat(plain.start().poll()).isEqualTo(new Polled.Broken("the descriptor chain at 0 has an indirect "
                    + "table, but VIRTIO_F_INDIRECT_DESC was not negotiated"));
        }
    }

    @Test
    void aTableThatIsNoMemory() {
        ring().descriptor(0, 1L << 40, 32, 5, INDIRECT | AVAIL);
        assertBroken(
                "the descriptor chain at 0 has an indirect table at 0x10000000000, 32 bytes, that is not guest memory");
    }

    /** Drivers must not do that (§2.8.19), but it is harmless. */
    @Test
    void aTableBehindADirectBufferIsTaken() {
        inTable(0, 3, 0);
        inTable(1, 4, WRITE);
        descriptor(0, 2, NEXT);
        tableAt(1, 32, 0);
        Chain chain = QueueRig.chain(queue.poll());
        assertThat(chain.readable().bytes()).isEqualTo(5);
        assertThat(chain.writableBytes()).isEqualTo(4);
    }

    @Test
    void aReadableBufferBehindAWritableOne() {
        descriptor(1, 1, WRITE | NEXT);
        descriptor(2, 1, 0);
        descriptor(0, 1, NEXT);
        assertBroken("the descriptor chain at 0 has a device-readable buffer, number 3, after a device-writable one "
                + "(virtio 1.3 §2.7.4.2)");
    }

    @Test
    void aReadableBufferInATableBehindAWritableOne() {
        inTable(0, 1, WRITE);
        inTable(1, 1, 0);
        tableAt(0, 32, 0);
        assertBroken("the descriptor chain at 0 has a device-readable buffer, number 2, after a device-writable one "
                + "(virtio 1.3 §2.7.4.2)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            1099511627776 | 5          | 0 | 0x10000000000, 5 bytes, that is not guest memory which may be read
            -1            | 2          | 2 | 0xffffffffffffffff, 2 bytes, that is not guest memory which may be written
            0             | 2147483648 | 0 | 0x0, 2147483648 bytes, that is not guest memory which may be read
            0             | 4294967295 | 2 | 0x0, 4294967295 bytes, that is not guest memory which may be written""")
    void aBufferThatIsNoMemory(long address, long length, int flags, String sentence) {
        ring().descriptor(0, address, length, 5, flags | AVAIL);
        assertBroken("the descriptor chain at 0 has a buffer at " + sentence);
    }

    @Test
    void moreThan1024Buffers() throws Exception {
        try (QueueRig large = QueueRig.of(RingKind.PACKED, 2048)) {
            List<Buffer> buffers = IntStream.range(0, 1025).mapToObj(i -> large.buffer(2L * (i % 1000), 1)).toList();
            large.driver.submit(buffers.subList(0, 1024), List.of());
            assertThat(QueueRig.chain(large.start().poll()).readable().bytes()).isEqualTo(1024);
            large.driver.restart(RingKind.PACKED.start());
            large.driver.submit(buffers, List.of());
            assertThat(large.start().poll())
                    .isEqualTo(new Polled.Broken("the descriptor chain at 0 has more than 1024 buffers"));
        }
    }

    @Test
    void moreThanFourGibibytes() {
        descriptor(1, 1L << 31, NEXT);
        descriptor(2, 1, 0);
        descriptor(0, 1L << 31, NEXT);
        assertBroken("the descriptor chain at 0 has more than 2^32 bytes");
    }

    @Test
    void aChainIsASnapshot() {
        rig.driver.submit(List.of(rig.buffer(0, 4)), List.of(rig.buffer(64, 8)));
        Chain chain = QueueRig.chain(queue.poll());
        ring().descriptor(0, -1, 0xffff_ffffL, 77, 0xffff);
        ring().descriptor(1, -1, 0xffff_ffffL, 77, 0xffff);
        assertThat(chain.readable().bytes()).isEqualTo(4);
        assertThat(chain.respond(new byte[]{ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9)).isEqualTo(8);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.read(64, 9)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 0);
        assertThat(rig.driver.poll()).isPresent();
    }

    @Test
    void whatIsWithTheDeviceWhenTheQueueBreaksIsGivenBack() {
        int id = rig.driver.submit(List.of(), List.of(rig.buffer(0, 4)));
        Chain chain = QueueRig.chain(queue.poll());
        ring().descriptor(1, -1, 4, id, AVAIL);
        Polled broken = queue.poll();
        assertThat(broken).isInstanceOf(Polled.Broken.class);
        chain.complete(4);
        assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
        assertThat(rig.driver.usedPending()).isTrue();
        assertThat(queue.poll()).isEqualTo(broken);
    }

    @ParameterizedTest
    @CsvSource({ "0,descriptor ring,128", "1,driver event suppression,4", "2,device event suppression,4" })
    void aRingThatIsNoMemory(int which, String name, int bytes) {
        long nowhere = 1L << 45;
        QueueLayout layout = new QueueLayout(SIZE, which == 0 ? nowhere : rig.layout.descriptors(),
                which == 1 ? nowhere : rig.layout.available(), which == 2 ? nowhere : rig.layout.used());
        Virtqueue lost = Virtqueue.open(layout, RingKind.PACKED.start(), rig.features, rig.rings, rig.buffers,
                () -> rig.interrupts++);
        Polled broken = new Polled.Broken(name + " at 0x200000000000, " + bytes + " bytes, is not guest memory");
        assertThat(lost.enableNotifications()).isTrue();
        lost.disableNotifications();
        assertThat(lost.poll()).isEqualTo(broken);
        assertThat(lost.poll()).isEqualTo(broken);
    }
}
