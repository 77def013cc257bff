package sluice.vdev.queue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.Runs;
import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Rings and descriptors of a fuzzer's making. A queue answers each with a chain that is legal, or with nothing, or it is
 * broken and says why; what it writes lies where a driver expects it.
 *
 * <p>An input is: queue size less 1, feature bits, position, then what lies in memory from the ring's beginning on: the
 * parts of the ring as {@link QueueRig} lays them out, then whatever descriptors may point to.
 */
class RingFuzzTest {
    /** Guest address 0 is the ring's beginning, so that small numbers are addresses that are good for something. */
    static final int MAX_SIZE = 16;
    static final int DATA_BYTES = 4096;
    private static final int TURNS = 3;

    private @Nullable QueueRig rig;

    @AfterEach
    void end() {
        if (rig != null) rig.close();
    }

    private QueueRig rig(RingKind kind) throws IOException {
        if (rig == null) rig = new QueueRig(MAX_SIZE, QueueRig.features(kind, true), DATA_BYTES);
        return rig;
    }

    @ParameterizedTest
    @EnumSource
    void theSeedsAreWhatTheirEncodersMake(RingKind kind) throws IOException {
        SeedCorpus.check(RingFuzzTest.class, kind == RingKind.SPLIT ? "split" : "packed", RingSeeds.all(kind));
    }

    @FuzzTest
    void split(byte[] input) throws IOException {
        run(RingKind.SPLIT, input);
    }

    @FuzzTest
    void packed(byte[] input) throws IOException {
        run(RingKind.PACKED, input);
    }

    private void run(RingKind kind, byte[] input) throws IOException {
        QueueRig memory = rig(kind);
        FuzzInput in = new FuzzInput(input);
        int wanted = 1 + in.u8() % MAX_SIZE;
        int size = kind == RingKind.SPLIT ? Integer.highestOneBit(wanted) : wanted;
        int bits = in.u8();
        int position = in.i32();
        RingFeatures features = new RingFeatures((bits & 1) != 0, (bits & 2) != 0, kind == RingKind.PACKED,
                (bits & 4) != 0, (bits & 8) != 0);
        MemorySegment ram = memory.ram.memory();
        byte[] bytes = in.upTo((int) ram.byteSize());
        ram.fill((byte) 0);
        MemorySegment.copy(bytes, 0, ram, ValueLayout.JAVA_BYTE, 0, bytes.length);
        QueueLayout layout = new QueueLayout(size, memory.layout.descriptors(), memory.layout.available(),
                memory.layout.used());
        int[] interrupts = new int[1];
        Virtqueue queue = Virtqueue.open(layout, position, features, memory.rings, memory.buffers,
                () -> interrupts[0]++);
        List<Chain> open = new ArrayList<>();
        Polled last = Polled.Empty.EMPTY;
        int chains = 0;
        for (int turn = 0; turn < TURNS && !(last instanceof Polled.Broken); turn++) {
            queue.disableNotifications();
            // A chain's answer may make the ring offer more: what is taken must be bounded all the same.
            for (int i = 0; i < size; i++) {
                last = queue.poll();
                if (!(last instanceof Chain chain)) break;
                assertLegal(chain, kind, size);
                open.add(chain);
                chains++;
            }
            assertThat(queue.inFlight()).isEqualTo(open.size()).isLessThanOrEqualTo(size);
            while (open.size() > turn) {
                Chain chain = open.remove(open.size() * 7 / 10);
                chain.respond(new byte[48], chain.id() % 48);
            }
            Polled published = queue.publish();
            assertThat(published).isNotInstanceOfAny(Chain.class, Polled.Stalled.class);
            if (published instanceof Polled.Broken broken) assertThat(last).isEqualTo(broken);
            queue.enableNotifications();
        }
        assertThat(last).isNotInstanceOf(Polled.Stalled.class);
        if (last instanceof Polled.Broken(String reason, _)) {
            assertThat(reason).matches("[a-z].*[^.]").doesNotContain("null");
            assertThat(queue.poll()).isEqualTo(last);
        }
        assertThat(interrupts[0]).isLessThanOrEqualTo(TURNS);
        assertThat(chains).isLessThanOrEqualTo(TURNS * size);
        queue.stop();
        assertThat(queue.inFlight()).isZero();
        for (Chain chain : open) chain.respond(new byte[1], 1);
    }

    private static void assertLegal(Chain chain, RingKind kind, int size) {
        assertThat(chain.id()).isBetween(0, kind == RingKind.SPLIT ? size - 1 : 65_535);
        assertThat(chain.readable().bytes() + chain.writableBytes()).isLessThanOrEqualTo(1L << 32);
        for (Runs runs : List.of(chain.readable(), chain.writable())) {
            assertThat(runs.count()).isLessThanOrEqualTo(BufferList.MAX_BUFFERS);
            for (int i = 0; i < runs.count(); i++) {
                assertThat(runs.offset(i)).isNotNegative();
                assertThat(runs.offset(i) + runs.length(i)).isLessThanOrEqualTo(runs.mapping(i).size());
            }
        }
    }
}
