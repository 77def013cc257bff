package sluice.vdev.vhostuser;

import java.io.IOException;

import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.OpenFiles;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** A long life: many resets, many guests, and nothing that piles up. */
class LifeLoopbackTest {
    private static final int ROUNDS = 50;

    private static void life(AttachedGpu gpu) throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 64, 64);
        canvas.show(0);
        canvas.transfer();
        canvas.flush();
        gpu.driver().cursor(GpuCommands.moveCursor(0, 1, 1));
        gpu.display().await(Update.class, 1);
        canvas.backing().forEach(gpu.ram()::free);
    }

    @Test
    void fiftyResetsLeaveNothingBehind() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start()) {
            life(gpu);
            gpu.reset();
            gpu.resume();
            gpu.backEnd().onLoop(() -> 0);
            int owned = Fd.openCount();
            int open = OpenFiles.count();
            for (int round = 0; round < ROUNDS; round++) {
                life(gpu);
                gpu.reset();
                gpu.resume();
                gpu.backEnd().onLoop(() -> 0);
                Deadline.requireOwned(owned);
            }
            assertThat(OpenFiles.count()).isLessThanOrEqualTo(open);
            assertThat(gpu.backEnd().log().complaints()).isEmpty();
        }
    }

    /** QEMU 7.2 does not tell that a driver has reset its device; the next driver uses the same numbers again. */
    @Test
    void aResetThatNobodyTellsIsSeenByItsRings() throws IOException {
        try (AttachedGpu gpu = AttachedGpu
                .start(Profile.qemu10().withoutProtocol(VhostUserBits.P_RESET_DEVICE))) {
            for (int round = 0; round < 3; round++) {
                life(gpu);
                gpu.pause();
                gpu.resume();
                gpu.display().await(Update.class, 1); // a pause keeps the picture
                gpu.reset();
                gpu.resume();
            }
            assertThat(gpu.backEnd().log().complaints()).isEmpty();
        }
    }

    @Test
    void fiftyPausesLeaveNothingBehind() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start()) {
            life(gpu);
            gpu.backEnd().onLoop(() -> 0);
            int owned = Fd.openCount();
            int open = OpenFiles.count();
            for (int round = 0; round < ROUNDS; round++) {
                gpu.pause();
                gpu.resume();
                gpu.display().await(Update.class, 1);
                gpu.backEnd().onLoop(() -> 0);
                Deadline.requireOwned(owned);
            }
            assertThat(OpenFiles.count()).isLessThanOrEqualTo(open);
        }
    }

    @Test
    void oneGuestAfterTheOtherFindsAFreshDevice() throws IOException {
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults())) {
            try (AttachedGpu gpu = AttachedGpu.start(backEnd)) {
                life(gpu);
            }
            int owned = Fd.openCount();
            int open = OpenFiles.count();
            for (int round = 0; round < 20; round++) {
                try (AttachedGpu gpu = AttachedGpu.start(backEnd)) {
                    life(gpu);
                }
                Deadline.requireOwned(owned);
            }
            assertThat(OpenFiles.count()).isLessThanOrEqualTo(open);
            assertThat(backEnd.log().complaints()).isEmpty();
        }
        Deadline.in(Deadline.USUAL).require(() -> FileMappings.ofProcess().count() == 0, "the last unmapping");
    }
}
