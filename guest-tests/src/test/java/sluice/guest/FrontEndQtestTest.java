package sluice.guest;

import java.io.IOException;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.fixture.GpuRect;

import static org.assertj.core.api.Assertions.assertThat;

/** What each QEMU's front-end does with our GPU; SUITES.md has the same as a table. */
@Tag("qtest")
class FrontEndQtestTest {
    /** MQ, REPLY_ACK, BACKEND_REQ, CONFIG, BACKEND_SEND_FD, RESET_DEVICE, CONFIGURE_MEM_SLOTS. */
    private static final long KNOWN_BY_ALL = 0xa629;
    private static final long GPA_ADDRESSES = 1L << 21;

    private static final Pattern GUEST_ADDRESSED = Pattern
            .compile("AddMemReg\\[region=Region\\[guestAddress=(\\d+), size=\\d+, userAddress=\\1,");

    @ParameterizedTest
    @EnumSource(names = { "QEMU_10", "QEMU_11" })
    void theSessionIsThatOfItsVersion(TestQemu version) throws IOException, InterruptedException {
        boolean eleven = version == TestQemu.QEMU_11;
        try (VhostUserGpu gpu = (VhostUserGpu) TestGpus.talkative().start();
                Qemu qemu = new QemuLaunch(version.binary()).memory(128).qtest()
                        .arguments(gpu.qemuArguments(QtestGpu.SIZE)).start()) {
            QtestGpu driver = new QtestGpu(qemu);
            assertThat(driver.display()).isEqualTo(GpuRect.of(QtestGpu.WIDTH, QtestGpu.HEIGHT));
            assertThat(driver.scanouts()).isEqualTo(1);
            if (eleven) assertThat(driver.blobAlignment()).isZero();
            driver.show();
            driver.draw(1);
            driver.reset();
            QtestGpu again = new QtestGpu(qemu);
            again.show();
            again.draw(2);

            String said = gpu.errors();
            assertThat(said)
                    .contains("SetProtocolFeatures[features=" + (eleven ? KNOWN_BY_ALL | GPA_ADDRESSES : KNOWN_BY_ALL))
                    .contains("GetConfig[offset=0, size=" + (eleven ? 20 : 16) + ",").contains("ResetDevice[]")
                    .doesNotContain("WARNING", "SEVERE");
            // With GPA_ADDRESSES a region's user address is its guest address, and rings are named by guest address.
            assertThat(GUEST_ADDRESSED.matcher(said).find()).as(said).isEqualTo(eleven);
        }
    }
}
