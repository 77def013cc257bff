package sluice.vdev.profile;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;

/** Requests that come faster than a profile tells them one by one: none is missing, and no frame. */
@Timeout(120)
class BatchesTest {
    private static final int FRAMES = 1000;
    /** Told one by one after a pause. */
    private static final int SAVED = 64;

    @TempDir
    private Path folder;

    private DeviceProfile profiled(RingKind kind, int frames) throws Exception {
        StagedDevice device = new StagedDevice(folder, kind, 16_384);
        try (device) {
            for (int i = 0; i < frames; i++) device.frame();
        }
        return device.folder().write(CostModel.PRESETS).devices().getFirst();
    }

    @ParameterizedTest
    @EnumSource(RingKind.class)
    void noRequestAndNoFrameIsMissing(RingKind kind) throws Exception {
        DeviceProfile device = profiled(kind, FRAMES);
        assertThat(device.requests().stream().mapToLong(one -> one.total().count()).sum()).isEqualTo(2L * FRAMES);
        assertThat(device.frameCount()).isEqualTo(FRAMES);
        assertThat(device.batchedRequests()).isBetween(1L, 2L * FRAMES - SAVED);
        assertThat(folder.resolve("report.html")).content().contains("requests came too fast to be told one by one");
    }

    @Test
    void aFewAreToldOneByOne() throws Exception {
        assertThat(profiled(RingKind.SPLIT, SAVED / 2).batchedRequests()).isZero();
        assertThat(folder.resolve("report.html")).content().doesNotContain("too fast");
    }
}
