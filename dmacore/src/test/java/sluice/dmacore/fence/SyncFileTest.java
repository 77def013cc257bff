package sluice.dmacore.fence;

import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Fences that are handed on. */
@Tag("S34")
class SyncFileTest {
    private final Fences fences = new Fences();
    private final FenceTimeline gpu = fences.timeline("gpu0");
    private final FenceTimeline codec = fences.timeline("codec0");
    private final Reservation buffer = new Reservation(fences.domain, "resource 7", 2);

    private FenceSignal add(FenceTimeline timeline, Usage usage) throws FenceRefusedException {
        FenceSignal signal = timeline.begin("work");
        try (FenceSlots slots = buffer.reserve(1)) {
            slots.add(signal.fence(), usage);
        }
        return signal;
    }

    @Test
    void exportsAStubForAnIdleBuffer() {
        SyncFile file = SyncFile.exportFrom(buffer, Usage.beforeWrite());
        assertThat(file.status()).isEqualTo(1);
        assertThat(file.fence().isSignalled()).isTrue();
        assertThat(file.parts()).hasSize(1);
        assertThat(file).hasToString("sync file resource 7: signalled");
    }

    @Test
    void exportsWhatIsThereNow() throws Exception {
        FenceSignal drawn = add(gpu, Usage.WRITE);
        FenceSignal encoded = add(codec, Usage.READ);
        SyncFile forReader = SyncFile.exportFrom(buffer, Usage.beforeRead());
        SyncFile forWriter = SyncFile.exportFrom(buffer, Usage.beforeWrite());
        assertThat(forReader.fence()).isSameAs(drawn.fence());
        assertThat(forWriter.fence().members()).containsExactlyInAnyOrder(drawn.fence(), encoded.fence());
        drawn.succeed();
        add(gpu, Usage.WRITE);
        assertThat(forReader.status()).as("later fences are not in it").isEqualTo(1);
        assertThat(forWriter.status()).isZero();
        assertThat(forWriter).hasToString("sync file resource 7: pending");
        fences.clock.addAndGet(10);
        encoded.fail(Errno.EIO);
        assertThat(forWriter.status()).isEqualTo(-Errno.EIO);
        assertThat(forWriter).hasToString("sync file resource 7: failed with EIO");
        assertThat(forWriter.parts()).containsExactlyInAnyOrder(
                new SyncFile.Part(drawn.fence().origin(), 1, 5000),
                new SyncFile.Part(encoded.fence().origin(), -Errno.EIO, 5010));
    }

    /** MM:d0a564d6: the status of a sync file must not depend on an earlier wait. */
    @Test
    @Tag("M17")
    void itsStatusIsALook() throws Exception {
        FenceSignal drawn = add(gpu, Usage.WRITE);
        FenceSignal encoded = add(codec, Usage.READ);
        SyncFile file = SyncFile.exportFrom(buffer, Usage.READ);
        assertThat(file.status()).isZero();
        assertThat(file.parts()).allMatch(part -> part.status() == 0 && part.signalledAt() == 0);
        drawn.succeed();
        encoded.succeed();
        assertThat(file.status()).isEqualTo(1);
        assertThat(file.fence().isWanted()).isFalse();
        assertThat(drawn.fence().isWanted()).isFalse();
    }

    @ParameterizedTest
    @EnumSource(names = { "READ", "WRITE" })
    void importsEachFence(Usage usage) throws Exception {
        Fence drawn = gpu.begin("draw").fence();
        Fence decoded = codec.begin("decode").fence();
        SyncFile file = new SyncFile("both", fences.domain.allOf("both", List.of(drawn, decoded)));
        assertThat(file.importTo(buffer, usage)).isEqualTo(2);
        assertThat(buffer.usageOf(drawn)).isEqualTo(usage);
        assertThat(buffer.usageOf(decoded)).isEqualTo(usage);
    }

    @Test
    void importsNothingThatIsSignalled() throws Exception {
        assertThat(SyncFile.exportFrom(buffer, Usage.READ).importTo(buffer, Usage.WRITE)).isZero();
        FenceSignal drawn = gpu.begin("draw");
        Fence decoded = codec.begin("decode").fence();
        SyncFile file = new SyncFile("both", fences.domain.allOf("both", List.of(drawn.fence(), decoded)));
        drawn.succeed();
        assertThat(file.importTo(buffer, Usage.WRITE)).isEqualTo(1);
        assertThat(buffer.fences(Usage.WRITE)).containsExactly(decoded);
    }

    @ParameterizedTest
    @EnumSource(names = { "KERNEL", "BOOKKEEP" })
    void importsAsReadOrWriteOnly(Usage usage) {
        SyncFile file = new SyncFile("draw", gpu.begin("draw").fence());
        assertThatThrownBy(() -> file.importTo(buffer, usage)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(usage.name());
    }

    @Test
    void importsAllOrNothing() throws Exception {
        add(fences.timeline("grabber0"), Usage.READ);
        Fence both = fences.domain.allOf("both", List.of(gpu.begin("draw").fence(), codec.begin("decode").fence()));
        assertThatThrownBy(() -> new SyncFile("both", both).importTo(buffer, Usage.WRITE))
                .isInstanceOfSatisfying(FenceRefusedException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOMEM));
        assertThat(buffer.pending()).isEqualTo(1);
        Fence either = fences.domain.anyOf("either", both.members());
        assertThatThrownBy(() -> new SyncFile("either", either).importTo(buffer, Usage.WRITE))
                .isInstanceOfSatisfying(FenceRefusedException.class,
                        refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
        assertThat(buffer.pending()).isEqualTo(1);
    }

    @Test
    void mergesTwo() throws Exception {
        Fence first = gpu.begin("first").fence();
        FenceSignal second = gpu.begin("second");
        FenceSignal decoded = codec.begin("decode");
        SyncFile one = new SyncFile("one", fences.domain.allOf("one", List.of(first, decoded.fence())));
        SyncFile merged = one.mergedWith("merged", new SyncFile("other", second.fence()));
        assertThat(merged.name()).isEqualTo("merged");
        assertThat(merged.fence().members()).containsExactlyInAnyOrder(second.fence(), decoded.fence());
        second.succeed();
        assertThat(merged.status()).isZero();
        decoded.succeed();
        assertThat(merged.status()).isEqualTo(1);
        assertThat(one.status()).as("the first was overtaken").isZero();
    }
}
