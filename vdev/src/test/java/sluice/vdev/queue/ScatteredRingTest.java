package sluice.vdev.queue;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.GuestRegion;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SplitRings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * A driver sees its rings, tables and buffers side by side; the pages that they are lie anywhere, each in a region of its
 * own. The driver writes one memory and the device's side reads another, where every page is somewhere else; what one end
 * has written is carried over when the other's turn comes.
 */
@ParameterizedClass
@EnumSource
class ScatteredRingTest {
    private static final long SEED = 20261130;
    private static final int PAGE = GuestRam.PAGE;

    private final RingKind kind;

    ScatteredRingTest(RingKind kind) {
        this.kind = kind;
    }

    /** The same guest, page by page in another order. */
    private static GuestRam scattered(QueueRig rig, long seed) throws Exception {
        int pages = (int) (rig.ram.memory().byteSize() / PAGE);
        List<Integer> places = new ArrayList<>(IntStream.range(0, pages).boxed().toList());
        Collections.shuffle(places, new Random(seed));
        GuestRegion all = rig.ram.regions().getFirst();
        return GuestRam.of(IntStream.range(0, pages).mapToObj(page -> new GuestRegion(
                all.guestAddress() + (long) page * PAGE, all.userAddress() + (long) page * PAGE, PAGE,
                (long) places.get(page) * PAGE)).toList(), 1);
    }

    private static void copy(GuestRam from, GuestRam to, long bytes) {
        for (long at = 0; at < bytes; at += PAGE) {
            MemorySegment.copy(from.memory(), from.offset(at, PAGE), to.memory(), to.offset(at, PAGE), PAGE);
        }
    }

    @ParameterizedTest
    @CsvSource({ "8,true", "512,true", "512,false", "1024,true", "1024,false" })
    void requestsAndAnswersStayTogether(int size, boolean eventIndex) throws Exception {
        Random random = new Random(SEED + size);
        try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, eventIndex),
                (long) size * EchoTraffic.SLOT_BYTES); GuestRam device = scattered(rig, SEED)) {
            long bytes = rig.ram.memory().byteSize();
            rig.view.adopt(rig.table(device));
            rig.driver.restart(QueueRig.somewhere(kind, size));
            rig.driver.scatterDescriptors(SEED);
            Virtqueue queue = rig.start(QueueRig.somewhere(kind, size));
            EchoTraffic traffic = new EchoTraffic(rig, SEED);
            List<Chain> open = new ArrayList<>();
            boolean sleeps = false;
            while (traffic.taken < 3 * size + 100) {
                int submitted = traffic.submitted;
                for (int i = random.nextInt(size) + 1; i > 0 && traffic.add();) i--;
                rig.driver.publish();
                boolean kicked = rig.driver.kickNeeded();
                if (sleeps && traffic.submitted > submitted) {
                    assertThat(kicked).as("seed %d: a device that sleeps is kicked", SEED).isTrue();
                }
                copy(rig.ram, device, bytes);
                queue.disableNotifications();
                while (queue.poll() instanceof Chain chain)
                    open.add(chain);
                Collections.shuffle(open, random);
                for (int i = random.nextInt(open.size() + 1); i > 0; i--) EchoTraffic.answer(open.removeLast());
                int interrupts = rig.interrupts;
                int inFlight = traffic.submitted - traffic.taken - open.size();
                assertThat(queue.publish()).isEqualTo(Polled.Empty.EMPTY);
                sleeps = random.nextBoolean();
                if (sleeps) assertThat(queue.enableNotifications()).as("seed %d", SEED).isFalse();
                copy(device, rig.ram, bytes);
                assertThat(traffic.takeAll()).as("seed %d", SEED).isEqualTo(inFlight);
                assertThat(rig.interrupts - interrupts).as("seed %d: interrupts", SEED)
                        .isEqualTo(inFlight > 0 ? 1 : 0);
            }
            rig.view.adopt(GuestMemory.empty());
            open.forEach(chain -> chain.complete(0));
            rig.awaitMapped(0);
        }
    }

    /** A table lies wherever the driver says: any byte of it may be the last of a page. */
    @Test
    void aTableMayCrossPagesAnywhere() throws Exception {
        try (QueueRig rig = QueueRig.of(kind, 8); GuestRam device = scattered(rig, SEED)) {
            rig.view.adopt(rig.table(device));
            // What lies behind a page in the file is not what lies behind it for the driver.
            rig.ram.slice(rig.buffer(0, 1 << 16)).fill((byte) 0x5a);
            for (int before = 0; before <= 2 * 16; before++) {
                rig.driver.restart(kind.start());
                long table = rig.at(2 * PAGE) - before;
                ByteBuffer entries = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
                descriptor(entries, rig.at(17), 5, SplitRings.DESC_NEXT, 1);
                descriptor(entries, rig.at(PAGE + 3), 7, SplitRings.DESC_WRITE, 0x1234);
                copy(rig.ram, device, rig.ram.memory().byteSize());
                for (int i = 0; i < 32; i++) put(device, table + i, entries.get(i));
                for (int i = 0; i < 5; i++) put(device, rig.at(17) + i, (byte) (before + i));
                offer(rig, device, table);
                Chain chain = QueueRig.chain(rig.start().poll());
                byte[] read = new byte[5];
                assertThat(chain.readable().bytes()).as("%d bytes before a page's end", before).isEqualTo(5);
                chain.readable().copyTo(0, read, 0, 5);
                assertThat(read).as("%d bytes before a page's end", before).containsExactly(before, before + 1,
                        before + 2, before + 3, before + 4);
                assertThat(chain.writableBytes()).as("%d bytes before a page's end", before).isEqualTo(7);
                chain.respond(new byte[]{ 1, 2, 3, 4, 5, 6, (byte) before }, 7);
                assertThat(device.memory().get(JAVA_BYTE, device.offset(rig.at(PAGE + 9), 1))).isEqualTo((byte) before);
            }
            rig.view.adopt(GuestMemory.empty());
        }
    }

    /** In a split ring's table the flags stand before what names the next, in a packed ring's behind the reserved id. */
    private void descriptor(ByteBuffer table, long address, int length, int flags, int other) {
        table.putLong(address).putInt(length).putShort((short) (kind == RingKind.SPLIT ? flags : other))
                .putShort((short) (kind == RingKind.SPLIT ? other : flags));
    }

    private static void put(GuestRam ram, long guestAddress, byte value) {
        ram.memory().set(JAVA_BYTE, ram.offset(guestAddress, 1), value);
    }

    /** Makes a chain of one table of two descriptors available, in the device's memory. */
    private void offer(QueueRig rig, GuestRam device, long table) {
        long ring = rig.ram.guestAddress(rig.driver.layout().descriptorOffset());
        // A ring of eight is all in one page.
        sluice.vdev.fixture.QueueLayout there = sluice.vdev.fixture.QueueLayout.contiguous(8,
                device.offset(ring, sluice.vdev.fixture.QueueLayout.contiguousBytes(8)),
                rig.driver.layout().descriptorAddress());
        if (kind == RingKind.SPLIT) {
            SplitRings rings = new SplitRings(device.memory(), there);
            rings.rawDescriptor(0, table, 32, SplitRings.DESC_INDIRECT, 0);
            rings.rawAvail(0, 0);
            rings.availIndex(1);
        } else {
            new PackedRing(device.memory(), there).descriptor(0, table, 32, 0, PackedRing.INDIRECT | PackedRing.AVAIL);
        }
    }
}
