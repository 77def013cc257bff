package sluice.vdev.queue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.memory.Runs;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.Used;

import static org.assertj.core.api.Assertions.assertThat;

/** Requests reach the device, answers the driver, whatever the size, the order, and the place in the ring. */
@ParameterizedClass
@EnumSource
class QueueTransferTest {
    private static final long SEED = 20260107;

    private final RingKind kind;

    QueueTransferTest(RingKind kind) {
        this.kind = kind;
    }

    static Stream<Arguments> everySize() {
        return Stream.concat(IntStream.rangeClosed(0, 10).mapToObj(i -> 1 << i), Stream.of(32_768))
                .flatMap(size -> Stream.of(Arguments.of(size, true), Arguments.of(size, false)));
    }

    @ParameterizedTest
    @MethodSource("everySize")
    void requestsInAnyFormAndAnswersInAnyOrderStayTogetherOverTheWrap(int size, boolean eventIndex) throws Exception {
        if (kind == RingKind.SPLIT) {
            carry(size, eventIndex, 65_536 - 2 * Math.min(size, 5_000), Math.max(10_000, 3 * size));
        } else {
            // A packed ring may have any size.
            int odd = size > 2 && size <= 1024 ? size - 1 : size;
            carry(odd, eventIndex, QueueRig.somewhere(kind, odd), Math.max(10_000, 3 * size));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 8, 256 })
    void ringPositionsWrapAgainAndAgain(int size) throws Exception {
        carry(size, true, QueueRig.somewhere(kind, size), 3 * 65_536 + 1_000);
    }

    private void carry(int size, boolean eventIndex, int position, int chains) throws Exception {
        Random random = new Random(SEED + size);
        try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, eventIndex),
                (long) size * EchoTraffic.SLOT_BYTES)) {
            rig.driver.restart(position);
            rig.driver.scatterDescriptors(SEED);
            Virtqueue queue = rig.start(position);
            EchoTraffic traffic = new EchoTraffic(rig, SEED);
            List<Chain> open = new ArrayList<>();
            int outOfOrder = 0;
            while (traffic.taken < chains) {
                for (int i = random.nextInt(Math.min(size, 500) + 1); i >= 0 && traffic.add(); i--) {
                    if (random.nextInt(4) == 0) rig.driver.publish();
                }
                rig.driver.publish();
                while (queue.poll() instanceof Chain chain)
                    open.add(chain);
                assertThat(queue.inFlight()).isEqualTo(open.size());
                for (int i = random.nextInt(open.size() + 1); i > 0; i--) {
                    int which = random.nextInt(open.size());
                    if (which != 0) outOfOrder++;
                    EchoTraffic.answer(open.get(which));
                    open.set(which, open.getLast());
                    open.removeLast();
                }
                int before = traffic.taken;
                traffic.takeAll();
                assertThat(traffic.taken).as("nothing is seen before it is published").isEqualTo(before);
                assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                traffic.takeAll();
            }
            assertThat(traffic.submitted - traffic.taken).isEqualTo(queue.inFlight());
            open.forEach(EchoTraffic::answer);
            queue.publish();
            traffic.takeAll();
            assertThat(queue.position()).as("seed %d", SEED).isEqualTo(rig.driver.position());
            if (kind == RingKind.SPLIT) {
                assertThat(queue.position()).isEqualTo((position + traffic.submitted) & 0xffff);
            }
            assertThat(rig.driver.freeDescriptors()).isEqualTo(size);
            if (size > 1) assertThat(outOfOrder).as("completions out of order").isGreaterThan(chains / 100);
        }
    }

    @Test
    void aChainIsResolvedIntoWhatTheDeviceReadsAndWhatItWrites() throws Exception {
        for (ChainForm form : kind == RingKind.SPLIT
                ? List.of(ChainForm.values())
                : List.of(ChainForm.DIRECT, ChainForm.INDIRECT)) {
            try (QueueRig rig = QueueRig.of(kind, 8)) {
                Virtqueue queue = rig.start();
                int head = rig.driver.submit(List.of(rig.buffer(0, 10), rig.buffer(100, 20)),
                        List.of(rig.buffer(120, 30), rig.buffer(4000, 200)), form);
                Chain chain = QueueRig.chain(queue.poll());
                assertThat(chain.id()).isEqualTo(head);
                assertThat(chain.isWaiting()).isTrue();
                assertThat(lengths(chain.readable())).as("%s", form).containsExactly(10L, 20L);
                assertThat(chain.readable().offset(1))
                        .isEqualTo(rig.ram.offset(rig.at(100), 20));
                // The second crosses into the next page, which is the next page of the file as well.
                assertThat(lengths(chain.writable())).containsExactly(30L, 200L);
                assertThat(chain.writableBytes()).isEqualTo(230);
                assertThat(queue.poll()).isEqualTo(Polled.Empty.EMPTY);
            }
        }
    }

    private static List<Long> lengths(Runs runs) {
        return IntStream.range(0, runs.count()).mapToObj(runs::length).toList();
    }

    @Test
    void emptyBuffersAreSteppedOver() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            // An address that is not memory: no access to it.
            rig.driver.submit(List.of(new Buffer(-1, 0), rig.buffer(0, 5), rig.buffer(9, 0)),
                    List.of(new Buffer(1L << 60, 0), rig.buffer(64, 3)));
            Chain chain = QueueRig.chain(queue.poll());
            assertThat(chain.readable().bytes()).isEqualTo(5);
            assertThat(chain.writableBytes()).isEqualTo(3);
        }
    }

    @Test
    void anAnswerIsCutToTheRoomThereIs() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            int head = rig.driver.submit(List.of(), List.of(rig.buffer(0, 2), rig.buffer(10, 3)));
            Chain chain = QueueRig.chain(queue.poll());
            assertThat(chain.respond(new byte[]{ 1, 2, 3, 4, 5, 6, 7 }, 7)).isEqualTo(5);
            queue.publish();
            assertThat(rig.driver.poll()).contains(new Used(head, 5));
            assertThat(rig.read(0, 16)).containsExactly(1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 5, 0, 0, 0);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 5, 8, 13 })
    void anIndirectTableMayLieAtAnyAddress(int shift) throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8)) {
            Virtqueue queue = rig.start();
            long table = rig.at(8192 - 24 + shift); // across a page
            if (kind == RingKind.SPLIT) {
                unalignedDescriptor(rig, table, rig.at(0), 7, 1, 1);
                unalignedDescriptor(rig, table + 16, rig.at(64), 9, 2, 0);
                rig.driver.rings().rawDescriptor(3, table, 32, 4, 0);
                rig.driver.rings().rawAvail(0, 3);
                rig.driver.rings().availIndex(1);
            } else {
                // Nothing but the flag WRITE counts, not even NEXT.
                unalignedDescriptor(rig, table, rig.at(0), 7, 77, 0);
                unalignedDescriptor(rig, table + 16, rig.at(64), 9, 88, PackedRing.WRITE | PackedRing.NEXT);
                rig.driver.packed().descriptor(0, table, 32, 3, PackedRing.INDIRECT | PackedRing.AVAIL);
            }
            Chain chain = QueueRig.chain(queue.poll());
            assertThat(chain.readable().bytes()).isEqualTo(7);
            assertThat(chain.writableBytes()).isEqualTo(9);
        }
    }

    static void unalignedDescriptor(QueueRig rig, long guestAddress, long address, int length, int third, int fourth) {
        ByteBuffer descriptor = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        descriptor.putLong(address).putInt(length).putShort((short) third).putShort((short) fourth).flip();
        rig.ram.write(new Buffer(guestAddress, 16), descriptor);
    }
}
