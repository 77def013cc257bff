package sluice.vdev.gpu;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

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
import sluice.dmacore.trace.TraceSink;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** A GPU that does not snoop: the same pictures, because each TRANSFER gives it what it reads, and no more. */
@Tag("loopback")
@Tag("S41")
class NonCoherentGpuTest {
    private static final int W = 96;
    private static final int H = 70;
    private static final long SEED = 20261121;

    /** Counts what it is told. */
    private static final class Told implements TraceSink {
        private final List<EventKind> events = new ArrayList<>();

        @Override
        public boolean isOn() {
            return true;
        }

        @Override
        public void name(int number, String name) {
            // looked at by those who read recordings
        }

        @Override
        public synchronized void record(EventKind kind, int buffer, int attachment, int detail, long from, long length,
                long bytes, long nanos) {
            events.add(kind);
        }

        synchronized long count(EventKind kind) {
            return events.stream().filter(kind::equals).count();
        }
    }

    @Test
    void drawsTheSamePicturesAndFlushesOnlyWhatIsTransferred() throws IOException {
        Findings findings = new Findings();
        Told told = new Told();
        ShadowCaches caches = new ShadowCaches(FileMappings.ofProcess(), findings, new Eviction.Lazy());
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
        assertThat(told.count(EventKind.COPY)).isEqualTo(2);
        assertThat(told.count(EventKind.FRAME)).isEqualTo(2);
        assertThat(told.count(EventKind.MAP)).isEqualTo(1);
        assertThat(told.count(EventKind.UNMAP)).isEqualTo(1);
        assertThat(told.count(EventKind.RELEASE)).isEqualTo(told.count(EventKind.EXPORT));
    }
}
