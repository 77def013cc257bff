package sluice.vdev.vhostuser;

import java.io.IOException;

import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.FrontIommuPeer;

import static org.assertj.core.api.Assertions.assertThat;

/** What is said, once, about an IOMMU that forgets too much. */
class IommuAdviceLoopbackTest {
    private static final long SEED = 20_261_123;

    private static AttachedGpu attach() throws IOException {
        Profile plain = Profile.qemu10();
        AttachedGpu gpu = AttachedGpu.attached(GuestRam.split(16 << 20, 16 << 20, SEED),
                new Profile(plain.protocolBits(), plain.driverFeatures(),
                        plain.forcedFeatures() | VhostUserBits.F_ACCESS_PLATFORM, true, true));
        gpu.session().realize();
        return gpu;
    }

    @Test
    void flushesOfEverythingAreToldOnceWithTheirCost() throws IOException {
        try (AttachedGpu gpu = attach(); FrontIommuPeer iommu = new FrontIommuPeer(gpu.session(), gpu.ram())) {
            gpu.resume();
            Canvas canvas = gpu.canvas(1, 2, 64, 64);
            for (int i = 0; i < 40; i++) {
                canvas.transfer();
                iommu.invalidate(0, 0xfee0_0000L);
                assertThat(gpu.backEnd().log().count("takes everything away at each flush")).isEqualTo(i < 15 ? 0 : 1);
            }
        }
    }

    @Test
    void exactInvalidationsAreNoReasonToComplain() throws IOException {
        try (AttachedGpu gpu = attach(); FrontIommuPeer iommu = new FrontIommuPeer(gpu.session(), gpu.ram())) {
            gpu.resume();
            Canvas canvas = gpu.canvas(1, 2, 64, 64);
            for (int i = 0; i < 40; i++) {
                canvas.transfer();
                iommu.invalidate(canvas.backing().getFirst().address() & -4096L, 4096);
                gpu.driver().detachBacking(1).ok();
                gpu.driver().attachBacking(1, canvas.backing()).ok();
            }
            assertThat(gpu.backEnd().log().complaints()).isEmpty();
        }
    }
}
