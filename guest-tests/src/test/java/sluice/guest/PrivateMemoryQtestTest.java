package sluice.guest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.Deadline;

/** A VM whose memory is private starts, and its driver waits for ever: the log says why. */
@Tag("qtest")
class PrivateMemoryQtestTest {
    private static final String MEMORY = "memory-backend-memfd,id=private,size=128M,share=off";

    private static Qemu machine(TestQemu version, List<String> device) throws IOException, InterruptedException {
        return new QemuLaunch(version.binary()).memory(128).qtest().arguments(device)
                .arguments("-object", MEMORY, "-machine", "memory-backend=private").start();
    }

    private static void awaitTheReason(VhostUserGpu gpu) {
        Deadline.in(TestGuest.WORK).require(
                () -> gpu.errors().contains("mapped the guest's memory privately (share=off), so"), "the reason");
    }

    @Test
    void overVhostUser() throws Exception {
        try (VhostUserGpu gpu = (VhostUserGpu) TestGpus.sluice().start();
                Qemu qemu = machine(TestQemu.QEMU_10, gpu.qemuArguments(QtestGpu.SIZE))) {
            new QtestGpu(qemu).offered();
            awaitTheReason(gpu);
        }
    }

    @Test
    void overVfioUser() throws Exception {
        List<String> command = new ArrayList<>(TestGpus.sluiceCommand());
        command.add("--transport=vfio-user");
        try (VhostUserGpu gpu = VhostUserGpu.start("Sluice", command, VhostUserGpu.Readiness.SAYS_LISTENING);
                Qemu qemu = machine(TestQemu.QEMU_11, TestGuest.vfioUser(gpu.socket(), ""))) {
            qemu.qtest().readl(0);
            awaitTheReason(gpu);
        }
    }
}
