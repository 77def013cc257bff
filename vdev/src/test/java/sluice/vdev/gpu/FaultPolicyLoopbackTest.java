package sluice.vdev.gpu;

import java.io.IOException;

import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What becomes of a transfer whose first page the GPU's own address space refuses, once. */
class FaultPolicyLoopbackTest {
    private static final int W = 64;
    private static final int H = 32;
    private static final int ERROR = 0x1200;

    /** A GPU with such a policy, and a picture that it has not read yet. */
    private record Faulty(GpuBackEnd backEnd, AttachedGpu gpu, Canvas canvas, int[] drawn) implements AutoCloseable {
        static Faulty with(FaultPolicy policy) throws IOException {
            GpuBackEnd backEnd = new GpuBackEnd(new GpuOptions(1, GpuOptions.DEFAULT_MEMORY_LIMIT, policy));
            backEnd.device().space().table()
                    .inject(new Rule.Deny("once", new AddressRange(0, -1), Access.READ, Occurrences.nth(1)));
            AttachedGpu gpu = AttachedGpu.start(backEnd);
            Canvas canvas = gpu.canvas(1, 2, W, H);
            canvas.show(0);
            return new Faulty(backEnd, gpu, canvas, canvas.drawNoise(7));
        }

        int transfer() throws IOException {
            return gpu.driver().transferToHost2d(1, canvas.all(), 0).type();
        }

        void assertShows(int[] expected) throws IOException {
            int before = gpu.display().messages(Update.class).size();
            canvas.flush();
            gpu.display().await(Update.class, before + 1);
            assertThat(gpu.display().picture(0).pixels()).isEqualTo(expected);
        }

        long faults() {
            return backEnd.onLoop(() -> backEnd.device().space().table().faults().count(FaultReason.DENIED));
        }

        @Override
        public void close() throws IOException {
            gpu.close();
            backEnd.close();
        }
    }

    @Test
    void theCommandFailsAndTheNextOneDoesNot() throws IOException {
        try (Faulty gpu = Faulty.with(new FaultPolicy.Abort())) {
            assertThat(gpu.transfer()).isEqualTo(ERROR);
            gpu.assertShows(new int[W * H]);
            gpu.canvas().transfer();
            gpu.assertShows(gpu.drawn());
            assertThat(gpu.faults()).isEqualTo(1);
        }
    }

    @Test
    void zerosAreReadAndTheCommandIsDone() throws IOException {
        try (Faulty gpu = Faulty.with(new FaultPolicy.ReadZeroDropWrite())) {
            gpu.canvas().transfer();
            gpu.assertShows(new int[W * H]);
            gpu.canvas().transfer();
            gpu.assertShows(gpu.drawn());
            assertThat(gpu.faults()).isEqualTo(1);
        }
    }

    @Test
    void theQueueStopsUntilAReset() throws IOException {
        try (Faulty gpu = Faulty.with(new FaultPolicy.StopQueue())) {
            assertThat(gpu.transfer()).as("the answer comes before the end").isEqualTo(ERROR);
            GpuDriver.Pending ignored = gpu.gpu().driver().begin(GpuCommands.unref(1), GpuWire.HDR_BYTES);
            gpu.backEnd().settle();
            assertThatThrownBy(() -> gpu.gpu().driver().await(ignored)).as("a command after it")
                    .isInstanceOf(AssertionError.class);
            assertThat(gpu.gpu().complaints()).anyMatch(line -> line.contains("--on-fault=stop"));
            gpu.gpu().reset();
            gpu.gpu().resume();
            Canvas fresh = gpu.gpu().canvas(1, 2, W, H);
            int[] drawn = fresh.drawNoise(8);
            fresh.show(0);
            fresh.transfer();
            int before = gpu.gpu().display().messages(Update.class).size();
            fresh.flush();
            gpu.gpu().display().await(Update.class, before + 1);
            assertThat(gpu.gpu().display().picture(0).pixels()).isEqualTo(drawn);
        }
    }
}
