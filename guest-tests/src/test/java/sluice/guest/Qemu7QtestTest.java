package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.GpuRect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * QEMU 7.2, Debian 12's own. It attaches vhost-user devices under KVM only, so under TCG it is asked for nothing more than a
 * refusal that leaves our process unharmed. Under KVM, which here only has to halt a CPU, its front-end differs from 10.0 in
 * this: the display socket knows no features, so no EDID; no RESET_DEVICE comes, not even at a reset; STATUS is not used.
 */
@Tag("qtest")
class Qemu7QtestTest {
    private static final Path KVM = Path.of("/dev/kvm");

    @Test
    void underTcgItRefusesAndOurProcessServesTheNext() throws IOException, InterruptedException {
        try (VhostUserGpu gpu = (VhostUserGpu) TestGpus.sluice().start()) {
            assertThatThrownBy(() -> machine(Accelerator.TCG, gpu.qemuArguments())).isInstanceOf(IOException.class)
                    .hasMessageContaining("requires kvm");
            try (Qemu next = new QemuLaunch(TestQemu.QEMU_10.binary()).memory(128).qtest()
                    .arguments(gpu.qemuArguments(QtestGpu.SIZE)).start()) {
                QtestGpu driver = new QtestGpu(next);
                driver.show();
                driver.draw(3);
            }
        }
    }

    @Test
    void underKvmItShowsPicturesAcrossResets() throws IOException, InterruptedException {
        assumeTrue(kvmStarts(), "KVM starts no machine on this host");
        try (VhostUserGpu gpu = (VhostUserGpu) TestGpus.talkative().start();
                Qemu qemu = machine(Accelerator.KVM, gpu.qemuArguments(QtestGpu.SIZE))) {
            for (int round = 0; round < 5; round++) {
                QtestGpu driver = new QtestGpu(qemu);
                assertThat(driver.display()).isEqualTo(GpuRect.of(QtestGpu.WIDTH, QtestGpu.HEIGHT));
                assertThat(driver.scanouts()).isEqualTo(1);
                driver.show();
                driver.draw(2 * round);
                qemu.qmp().execute("stop");
                qemu.qmp().execute("cont");
                driver.draw(2 * round + 1);
                driver.reset();
            }
            assertThat(gpu.errors()).contains("SetProtocolFeatures[features=" + 0xa629)
                    .contains("GetConfig[offset=0, size=16,").doesNotContain("ResetDevice[]", "WARNING", "SEVERE");
        }
    }

    private static Qemu machine(Accelerator accelerator, List<String> arguments)
            throws IOException, InterruptedException {
        return new QemuLaunch(TestQemu.QEMU_7.binary()).accelerator(accelerator).memory(128).qtest()
                .arguments(arguments).start();
    }

    private static boolean kvmStarts() throws InterruptedException {
        if (!Files.isReadable(KVM) || !Files.isWritable(KVM)) return false;
        try (Qemu bare = machine(Accelerator.KVM, List.of())) {
            return bare.process().isAlive();
        } catch (IOException refused) {
            return false;
        }
    }
}
