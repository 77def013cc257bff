package sluice.dmacore.fence;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.fence.Usage.BOOKKEEP;
import static sluice.dmacore.fence.Usage.KERNEL;
import static sluice.dmacore.fence.Usage.READ;
import static sluice.dmacore.fence.Usage.WRITE;

/** What a buffer's next user has to wait for. */
@Tag("S34")
class ReservationTest {
    private final Fences fences = new Fences();
    private final FenceTimeline gpu = fences.timeline("gpu0");
    private final FenceTimeline codec = fences.timeline("codec0");
    private final Reservation buffer = new Reservation(fences.domain, "resource 7", 4);

    private Fence add(FenceSignal signal, Usage usage) throws FenceRefusedException {
        try (FenceSlots slots = buffer.reserve(1)) {
            slots.add(signal.fence(), usage);
        }
        return signal.fence();
    }

    private Fence add(FenceTimeline timeline, Usage usage) throws FenceRefusedException {
        return add(timeline.begin("work"), usage);
    }

    @Test
    void aQueryReturnsAClassAndAllBefore() throws Exception {
        Fence read = add(gpu, READ);
        Fence kernel = add(fences.timeline("mover"), KERNEL);
        Fence book = add(fences.timeline("vm"), BOOKKEEP);
        Fence write = add(codec, WRITE);
        assertThat(buffer.fences(KERNEL)).containsExactly(kernel);
        assertThat(buffer.fences(WRITE)).containsExactlyInAnyOrder(kernel, write);
        assertThat(buffer.fences(READ)).containsExactlyInAnyOrder(kernel, write, read);
        assertThat(buffer.fences(BOOKKEEP)).containsExactlyInAnyOrder(kernel, write, read, book);
        assertThat(buffer.usageOf(book)).isEqualTo(BOOKKEEP);
        assertThat(buffer.usageOf(gpu.begin("not there").fence())).isNull();
        assertThat(Usage.beforeRead()).isEqualTo(WRITE);
        assertThat(Usage.beforeWrite()).isEqualTo(READ);
    }

    @ParameterizedTest
    @EnumSource
    void pollTellsWhenWritersAndWhenAllAreDone(Usage usage) throws Exception {
        assertThat(buffer.isReadable()).as("an idle buffer").isTrue();
        assertThat(buffer.isWritable()).as("an idle buffer").isTrue();
        FenceSignal signal = gpu.begin("work");
        Fence fence = add(signal, usage);
        assertThat(buffer.isReadable()).isEqualTo(usage == READ || usage == BOOKKEEP);
        assertThat(buffer.isWritable()).isEqualTo(usage == BOOKKEEP);
        assertThat(fence.isWanted()).as("a look is no demand").isFalse();
        signal.fail(Errno.EIO);
        assertThat(buffer.isReadable()).isTrue();
        assertThat(buffer.isWritable()).isTrue();
        assertThat(buffer.isIdle(BOOKKEEP)).isTrue();
        assertThat(buffer.pending()).isZero();
    }

    @Test
    void aPollCallbackIsCalledOnceForWhatIsThereNow() throws Exception {
        List<String> called = new ArrayList<>();
        buffer.whenIdle(READ, _ -> called.add("idle"));
        assertThat(called).containsExactly("idle");
        FenceSignal written = gpu.begin("draw");
        FenceSignal read = codec.begin("encode");
        add(written, WRITE);
        add(read, READ);
        buffer.whenIdle(WRITE, _ -> called.add("readable"));
        buffer.whenIdle(READ, _ -> called.add("writable"));
        add(fences.timeline("grabber0"), WRITE);
        written.succeed();
        assertThat(called).containsExactly("idle", "readable");
        read.succeed();
        assertThat(called).containsExactly("idle", "readable", "writable");
        assertThat(buffer.isReadable()).as("there is a new writer").isFalse();
    }

    @Test
    void aLaterFenceTakesThePlaceOfAnEarlierOne() throws Exception {
        Fence first = add(gpu, READ);
        Fence second = add(gpu, READ);
        assertThat(buffer.fences(BOOKKEEP)).containsExactly(second);
        Fence writer = add(gpu, WRITE);
        assertThat(buffer.fences(BOOKKEEP)).as("a writer stands for readers before it").containsExactly(writer);
        Fence reader = add(gpu, READ);
        assertThat(buffer.fences(WRITE)).as("a reader does not stand for a writer").containsExactly(writer);
        assertThat(buffer.fences(READ)).containsExactly(writer, reader);
        assertThat(buffer.snapshot(READ)).as("but who waits for both waits for the later").isSameAs(reader);
        assertThat(first.isSignalled()).isFalse();
        assertThat(fences.findings).isEmpty();
    }

    @Test
    void anEarlierFenceDoesNotTakeThePlaceOfALaterOne() throws Exception {
        FenceSignal first = gpu.begin("first");
        Fence second = add(gpu, WRITE);
        add(first, WRITE);
        assertThat(buffer.fences(WRITE)).containsExactlyInAnyOrder(first.fence(), second);
    }

    @Test
    void fencesOfTwoTimelinesStandForThemselves() throws Exception {
        Fence drawn = add(gpu, WRITE);
        Fence decoded = add(codec, WRITE);
        assertThat(buffer.snapshot(WRITE).members()).containsExactlyInAnyOrder(drawn, decoded);
    }

    @Test
    void aFenceIsPromotedButNeverDemoted() throws Exception {
        FenceSignal signal = gpu.begin("draw");
        Fence fence = add(signal, BOOKKEEP);
        add(signal, READ);
        assertThat(buffer.usageOf(fence)).isEqualTo(READ);
        add(signal, READ);
        add(signal, WRITE);
        assertThat(buffer.usageOf(fence)).isEqualTo(WRITE);
        assertThat(fences.findings).isEmpty();
        add(signal, READ);
        assertThat(buffer.usageOf(fence)).isEqualTo(WRITE);
        assertThat(buffer.pending()).isEqualTo(1);
        assertThat(fences.findings).containsExactly(new FenceFinding.Demoted("resource 7", fence, WRITE, READ));
        assertThat(fences.findings.getFirst().sentence()).contains("resource 7 is WRITE and was added as READ");
    }

    @Test
    void slotsAreReservedFirst() throws Exception {
        try (FenceSlots slots = buffer.reserve(1)) {
            assertThat(slots.left()).isEqualTo(1);
            slots.add(gpu.begin("one").fence(), READ);
            assertThat(slots.left()).isZero();
            Fence two = gpu.begin("two").fence();
            assertThatThrownBy(() -> slots.add(two, READ)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContainingAll("'two'", "resource 7 as READ without a slot");
            assertThat(fences.findings).containsExactly(new FenceFinding.NoSlot("resource 7", two, READ));
            assertThat(buffer.fences(READ)).doesNotContain(two);
        }
        assertThatThrownBy(() -> buffer.reserve(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Reservation(fences.domain, "none", 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void slotsEndWithTheLimit() throws Exception {
        FenceSignal pending = gpu.begin("draw");
        add(pending, WRITE);
        FenceSlots two = buffer.reserve(2);
        assertThatThrownBy(() -> buffer.reserve(2)).isInstanceOfSatisfying(FenceRefusedException.class,
                refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOMEM))
                .hasMessage("2 more fences of resource 7: 1 are pending and 2 slots reserved, the limit is 4");
        FenceSlots one = buffer.reserve(1);
        two.add(codec.begin("decode").fence(), READ);
        assertThatThrownBy(() -> buffer.reserve(1)).isInstanceOf(FenceRefusedException.class);
        two.close();
        two.close();
        one.close();
        assertThatThrownBy(() -> buffer.reserve(3)).isInstanceOf(FenceRefusedException.class);
        pending.succeed();
        buffer.reserve(3).close();
        assertThatThrownBy(() -> buffer.reserve(Integer.MAX_VALUE)).isInstanceOf(FenceRefusedException.class);
        Fence late = gpu.begin("late").fence();
        assertThatThrownBy(() -> one.add(late, READ)).as("closed slots").isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aSignalledFenceIsNotKept() throws Exception {
        FenceSignal signal = gpu.begin("draw");
        signal.succeed();
        add(signal, WRITE);
        assertThat(buffer.pending()).isZero();
        for (int i = 0; i < 20; i++) add(gpu.begin("leaves no slot taken"), WRITE);
        assertThat(buffer.pending()).isEqualTo(1);
    }

    @Test
    void containersAreRefused() throws Exception {
        Fence all = fences.domain.allOf("both", List.of(gpu.begin("a").fence(), codec.begin("b").fence()));
        try (FenceSlots slots = buffer.reserve(1)) {
            assertThatThrownBy(() -> slots.add(all, READ)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContainingAll("'both'", "2 others", "resource 7");
            assertThat(slots.left()).isEqualTo(1);
        }
        assertThat(buffer.pending()).isZero();
    }

    @Test
    void waitsForWhatIsThere() throws Exception {
        assertThat(buffer.await(BOOKKEEP, Duration.ZERO)).isTrue();
        FenceSignal signal = gpu.begin("draw");
        add(signal, READ);
        assertThat(buffer.await(WRITE, Duration.ZERO)).isTrue();
        assertThat(buffer.await(READ, Duration.ofNanos(1))).isFalse();
        signal.succeed();
        assertThat(buffer.await(READ, Duration.ofSeconds(1))).isTrue();
    }

    @Test
    void hintsReachAClassAndAllBefore() throws Exception {
        Fence read = add(gpu, READ);
        Fence write = add(codec, WRITE);
        buffer.hintDeadline(WRITE, 55);
        assertThat(write.deadline()).hasValue(55);
        assertThat(read.deadline()).isEmpty();
    }

    /** A static importer of the kernel waits for moves of the memory alone, and finds data that is not there yet. */
    @Test
    @Tag("M38")
    void anImporterThatWaitsForMovesOnlyIsFound() throws Exception {
        FenceSignal drawn = gpu.begin("draw");
        add(drawn, WRITE);
        PlannedUse use = buffer.plan("codec0", false);
        FenceSignal reads = codec.begin("encode");
        add(reads, READ);
        assertThat(buffer.await(KERNEL, Duration.ofSeconds(1))).isTrue();
        assertThat(use.isReady()).isFalse();
        assertThat(use.begin(codec.context())).isFalse();
        assertThat(fences.findings)
                .containsExactly(new FenceFinding.NotWaited("resource 7", "codec0", false, drawn.fence(), WRITE));
        assertThat(fences.findings.getFirst().sentence())
                .contains("codec0 reads resource 7 while fence 'draw'", "(WRITE)", "a new read waits for all writers");
        drawn.succeed();
        assertThat(use.isReady()).isTrue();
        assertThat(use.begin(codec.context())).isTrue();
        assertThat(fences.findings).hasSize(1);
    }

    @Test
    @Tag("M38")
    void aWriterWaitsForReadersButNotForThoseAfterItOrOnItsOwnTimeline() throws Exception {
        Fence own = add(gpu, WRITE);
        FenceSignal read = codec.begin("encode");
        add(read, READ);
        add(fences.timeline("vm"), BOOKKEEP);
        PlannedUse use = buffer.plan("gpu0", true);
        add(fences.timeline("grabber0"), READ);
        assertThat(use.before()).containsExactlyInAnyOrder(own, read.fence());
        assertThat(use.begin(gpu.context())).isFalse();
        assertThat(fences.findings)
                .containsExactly(new FenceFinding.NotWaited("resource 7", "gpu0", true, read.fence(), READ));
        assertThat(fences.findings.getFirst().sentence()).contains("gpu0 writes", "readers and writers");
        read.succeed();
        assertThat(use.begin(gpu.context())).isTrue();
        assertThat(use.begin(0)).as("of no timeline").isFalse();
    }
}
