package sluice.vdev.gpu;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.dmacore.trace.EventKind;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.KeptTrace;

import static org.assertj.core.api.Assertions.assertThat;

/** A GPU that does not snoop: the same pictures, because each TRANSFER gives it what it reads, and no more. */
@Tag("loopback")
@Tag("S41")
class NonCoherentGpuTest {
    private static final int W = 96;
    private static final int H = 70;
    private static final long SEED = 20261121;

    @Test
    void drawsTheSamePicturesAndFlushesOnlyWhatIsTransferred() throws IOException {
        Findings findings = new Findings();
        KeptTrace told = new KeptTrace(true);
        ShadowCaches caches = new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy());
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withExecutor(caches).withTrace(told), findings);
        try (GpuBackEnd backEnd = new GpuBackEnd(core, Stream.NON_COHERENT)) {
            try (AttachedGpu gpu = AttachedGpu.start(backEnd)) {
                Canvas canvas = gpu.canvas(1, 2, W, H);
                int[] first = canvas.drawNoise(SEED);
                canvas.show(0);
                canvas.transfer();
                canvas.flush();
                gpu.display().await(Update.class, 1);
                assertThat(gpu.display().picture(0).pixels()).isEqualTo(first);

                int[] second = canvas.drawNoise(SEED + 1);
                GpuRect part = new GpuRect(8, 5, 16, 20);
                canvas.transfer(part);
                canvas.flush();
                gpu.display().await(Update.class, 2);
                int[] expected = first.clone();
                for (int y = 5; y < 25; y++) System.arraycopy(second, y * W + 8, expected, y * W + 8, 16);
                assertThat(gpu.display().picture(0).pixels()).isEqualTo(expected);
                OwnershipCounters totals = core.totals();
                long frame = W * H * 4L;
                assertThat(totals.writeBackExecuted()).as("a whole transfer, and twenty rows of a line or two")
                        .isBetween(frame + 20 * 64, frame + 4096 + 20 * 128);
                gpu.driver().unref(1).ok();
            }
        }
        assertThat(findings.report()).isEmpty();
        assertThat(told.of(EventKind.COPY)).hasSize(2);
        assertThat(told.of(EventKind.FRAME)).hasSize(2);
        assertThat(told.of(EventKind.TRANSLATE)).extracting(KeptTrace.Told::bytes)
                .as("the list of pages, two transfers")
                .containsExactly(W * H * 4L, W * H * 4L, (19 * W + 16) * 4L);
        assertThat(told.of(EventKind.MAP)).hasSize(1);
        assertThat(told.of(EventKind.UNMAP)).hasSize(1);
        assertThat(told.of(EventKind.RELEASE)).hasSameSizeAs(told.of(EventKind.EXPORT));
    }
}
