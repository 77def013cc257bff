package sluice.vdev.gpu;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.BlobCanvas;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Programs that draw in blobs and say what they drew, or not all of it, before a GPU that snoops and one that does not: which pixels are
 * old, and what is found.
 */
@Tag("loopback")
@Tag("S41")
class NonCoherentBlobTest {
    private static final int W = 96;
    private static final int H = 70;
    private static final GpuBlobPicture PICTURE = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, W, H);
    /** Whole lines of 64 bytes, so that what is transferred ends where the rectangle does. */
    private static final GpuRect PART = new GpuRect(16, 5, 32, 20);

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting()
            .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);

    private interface Program {
        void run(AttachedGpu gpu, BlobCanvas front, BlobCanvas back) throws IOException;
    }

    private void run(boolean coherent, Program program) throws IOException {
        try (GpuBackEnd backEnd = GpuBackEnd.withBlobs(core, coherent ? Stream.COHERENT : Stream.NON_COHERENT);
                AttachedGpu gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.USUAL)) {
            program.run(gpu, BlobCanvas.create(gpu, 1, PICTURE), BlobCanvas.create(gpu, 2, PICTURE));
            gpu.driver().unref(1).ok();
            gpu.driver().unref(2).ok();
        }
    }

    private static int[] frame(BlobCanvas canvas, int number) {
        int[] rgb = Canvas.noise(W * H, number);
        canvas.draw(rgb);
        return rgb;
    }

    private static int[] shown(AttachedGpu gpu, int updates) {
        gpu.display().await(Update.class, updates);
        return gpu.display().picture(0).pixels();
    }

    private static int[] with(int[] old, int[] drawn, GpuRect part) {
        int[] picture = old.clone();
        for (int y = part.y(); y < part.y() + part.height(); y++)
            System.arraycopy(drawn, y * W + part.x(), picture, y * W + part.x(), part.width());
        return picture;
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void flipsThatAreFlushedAreRightAndSilent(boolean coherent) throws IOException {
        run(coherent, (gpu, front, back) -> {
            for (int number = 0; number < 6; number++) {
                BlobCanvas canvas = number % 2 == 0 ? front : back;
                int[] rgb = frame(canvas, number);
                canvas.show(0);
                canvas.flush();
                assertThat(shown(gpu, number + 1)).isEqualTo(rgb);
            }
        });
        assertThat(findings.report()).isEmpty();
    }

    /** Only what it flushes is the GPU's: the rest of the frame is the one that was there two flips before. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aFlipThatFlushesAPartIsOldEverywhereElse(boolean coherent) throws IOException {
        run(coherent, (gpu, front, back) -> {
            int[] old = frame(back, 1);
            back.show(0);
            back.flush();
            frame(front, 2);
            front.show(0);
            front.flush();
            int[] drawn = frame(back, 3);
            back.show(0);
            back.flush(PART);
            assertThat(shown(gpu, 3)).isEqualTo(coherent ? drawn : with(old, drawn, PART));
            back.flush();
            assertThat(shown(gpu, 4)).as("when it says the rest").isEqualTo(drawn);
        });
        if (coherent) {
            assertThat(findings.report()).isEmpty();
        } else {
            assertThat(findings.errors()).singleElement().satisfies(finding -> {
                assertThat(finding.rule()).isEqualTo(Rule.MISSING_SYNC_FOR_DEVICE);
                assertThat(finding.toString()).contains("resource 2", "70 of 70 rows");
            });
        }
    }

    /** A program that draws into what is shown is not judged before it shows something else: its flush may still come. */
    @Test
    void whatIsNeverFlushedIsFoundWhenItLeavesTheScreen() throws IOException {
        run(false, (gpu, front, back) -> {
            frame(front, 1);
            front.show(0);
            front.flush();
            frame(front, 2);
            front.flush(PART);
            front.flush();
            assertThat(findings.report()).as("two flushes for one drawing").isEmpty();
            frame(front, 3);
            front.flush(PART);
            assertThat(findings.report()).as("one, so far").isEmpty();
            frame(back, 4);
            back.show(0);
            assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
            back.flush();
        });
        assertThat(findings.errors()).hasSize(1);
    }
}
