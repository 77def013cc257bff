package sluice.dmacore.allocation;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.buffer.LateAttach;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.buffer.Verdict;
import sluice.dmacore.buffer.WriteBackOnly;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.DeviceMemory;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Where buffers are put that several devices are to share. */
class AllocationTest {
    private static final int FRAME = 8 * PAGE;

    private static DeviceFunction gpu(Machine machine) {
        return machine.device("gpu");
    }

    private static DeviceFunction scanOut(Machine machine) {
        return machine.core().function("scan-out", DeviceDmaParams.physicallyContiguous());
    }

    /** A GPU's scattered memory is refused by the scan-out, and the scan-out's is not by the GPU: so it is that one. */
    @Test
    @Tag("S42")
    void thePickiestDevicesMemoryIsTriedFirst() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = gpu(machine);
            DeviceFunction scanOut = scanOut(machine);
            MemoryPool contiguous = machine.pool(16, true);
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, machine.pool(16, false)),
                    new Candidate(scanOut, Stream.NON_COHERENT, contiguous)))) {
                assertThat(frames.attempts()).singleElement().satisfies(attempt -> {
                    assertThat(attempt.of()).isEqualTo("scan-out");
                    assertThat(attempt.suitsAll()).isTrue();
                });
                assertThat(frames.isShared()).isTrue();
                assertThat(frames.copiedBytes()).isZero();
                assertThat(contiguous.freePages()).isEqualTo(8);
                assertThat(frames.attachment(gpu).buffer()).isSameAs(frames.attachment(scanOut).buffer());
                for (DeviceFunction function : List.of(gpu, scanOut)) {
                    assertThatThrownBy(frames.attachment(function)::putSegments).as("no list is left fetched")
                            .isInstanceOf(DmaBufException.class);
                }
                frames.attachment(scanOut).map(Direction.TO_DEVICE).unmap();
                assertThat(frames.toString()).isEqualTo("""
                        memory of scan-out, by pool: gpu: it fits, scan-out: it fits
                        taken: frame of pool for gpu, scan-out""");
            }
            assertThat(contiguous.freePages()).as("all is given back").isEqualTo(16);
            machine.found(Rule.MAPPED_AT_IMPORT);
        }
    }

    @Test
    @Tag("S42")
    void ifThatDoesNotDoTheOtherWayRoundIsTried() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = gpu(machine);
            DeviceFunction scanOut = scanOut(machine);
            MemoryPool general = machine.pool(16, true);
            DeviceMemory vram = new DeviceMemory(machine.file(8), 0);
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, general),
                    new Candidate(scanOut, Stream.NON_COHERENT, vram)))) {
                assertThat(frames.attempts()).extracting(Attempt::of).containsExactly("scan-out", "gpu");
                assertThat(frames.attempts().getFirst().toString()).isEqualTo(
                        """
                                memory of scan-out, by device memory: gpu: it is memory of another device, and this \
                                device does not support peer to peer, scan-out: it is memory of another device, and \
                                this device does not support peer to peer""");
                assertThat(frames.isShared()).isTrue();
                assertThat(frames.attachment(scanOut).buffer().exporter()).isSameAs(general);
            }
            machine.found();
        }
    }

    @Test
    @Tag("S42")
    void ifNothingSuitsAllSomeGetACopyAndAreNamed() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = gpu(machine);
            DeviceFunction encoder = machine.device("encoder");
            DeviceFunction scanOut = machine.core().function("scan-out",
                    DeviceDmaParams.physicallyContiguous().withPeerToPeer(true));
            MemoryPool scattered = machine.pool(64, false);
            DeviceMemory vram = new DeviceMemory(machine.file(8), 0);
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, scattered),
                    new Candidate(encoder, Stream.NON_COHERENT, null),
                    new Candidate(scanOut, Stream.NON_COHERENT, vram)))) {
                assertThat(frames.isShared()).isFalse();
                assertThat(frames.copiedBytes()).isEqualTo(FRAME);
                assertThat(frames.shares()).extracting(Share::toString).containsExactly(
                        "frame of pool for gpu, encoder", "frame, copy 1 of device memory for scan-out");
                assertThat(frames.toString()).endsWith("; 32768 bytes are to be copied for each frame")
                        .contains("scan-out: it has", "segments, but the device needs contiguous memory");
                assertThat(frames.attempts()).extracting(Attempt::of).containsExactly("scan-out", "gpu", "scan-out");
                Attachment shown = frames.attachment(scanOut);
                DeviceMapping mapping = shown.map(Direction.TO_DEVICE);
                assertThat(mapping.segments().count()).isEqualTo(1);
                mapping.unmap();
            }
            assertThat(scattered.freePages()).isEqualTo(64);
            machine.found();
        }
    }

    @Test
    @Tag("S42")
    void ifADeviceCanUseNobodysMemoryEverythingThatWasTriedIsSaid() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool full = machine.pool(4, false);
            MemoryPool scattered = machine.pool(64, false);
            DmaBufException refusal = catchThrowableOfType(DmaBufException.class,
                    () -> Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                            new Candidate(scanOut(machine), Stream.NON_COHERENT, full),
                            new Candidate(gpu(machine), Stream.COHERENT, scattered))));
            assertThat(refusal.errno()).isEqualTo(Errno.EINVAL);
            assertThat(refusal).hasMessageContaining("no memory suits scan-out")
                    .hasMessageContaining("the pool is full").hasMessageContaining("gpu: it fits");
            assertThat(full.freePages()).isEqualTo(4);
            assertThat(scattered.freePages()).isEqualTo(64);
            machine.found();
        }
    }

    /** All devices attach before the allocation, so that a core that refuses late attachments works. */
    @Test
    @Tag("S42")
    @Tag("S23")
    void nobodyIsLate() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withLateAttach(LateAttach.NEVER))) {
            DeviceFunction gpu = gpu(machine);
            DeviceFunction scanOut = scanOut(machine);
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, machine.pool(16, true)),
                    new Candidate(scanOut, Stream.NON_COHERENT, null)))) {
                assertThat(frames.isShared()).isTrue();
            }
        }
    }

    /** No device takes part in the choice, and none knows of it: they are functions with parameters. */
    @Test
    @Tag("S43")
    void theSameDevicesOnAnotherBoardAreAnotherChoice() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceDmaParams scanOut = DeviceDmaParams.physicallyContiguous();
            for (boolean iommu : new boolean[]{ false, true }) {
                DeviceFunction display = machine.core().function("display", scanOut.withTranslated(iommu));
                try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                        new Candidate(gpu(machine), Stream.COHERENT, machine.pool(64, false)),
                        new Candidate(display, Stream.COHERENT, machine.pool(16, true))))) {
                    assertThat(frames.isShared()).isTrue();
                    assertThat(frames.attempts()).singleElement().extracting(Attempt::of).isEqualTo("display");
                }
                List<Candidate> scattered = List.of(
                        new Candidate(gpu(machine), Stream.COHERENT, machine.pool(64, false)),
                        new Candidate(display, Stream.COHERENT, null));
                if (iommu) {
                    Allocation.allocateFor(machine.core(), "frame", FRAME, scattered).close();
                } else {
                    assertThatThrownBy(() -> Allocation.allocateFor(machine.core(), "frame", FRAME, scattered))
                            .isInstanceOf(DmaBufException.class).hasMessageContaining("suits display");
                }
            }
            DeviceFunction twice = gpu(machine);
            assertThatThrownBy(() -> Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(twice, Stream.COHERENT, null), new Candidate(twice, Stream.NON_COHERENT, null))))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("gpu is there twice");
            machine.found();
        }
    }

    /** A camera that does not snoop, on a machine that cannot invalidate: it would have found out with its first frame. */
    @Test
    @Tag("S39")
    @Tag("S42")
    void aDeviceIsAskedForItsStreamAndDirection() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withExecutor(new WriteBackOnly()))) {
            DeviceFunction camera = machine.device("camera");
            MemoryPool pool = machine.pool(64, false);
            assertThatThrownBy(() -> Allocation.allocateFor(machine.core(), "frame", FRAME,
                    List.of(new Candidate(camera, Stream.NON_COHERENT, Direction.FROM_DEVICE, pool))))
                    .isInstanceOf(DmaBufException.class).hasMessageContaining("cannot invalidate cache lines");
            try (Allocation snooped = Allocation.allocateFor(machine.core(), "frame", FRAME,
                    List.of(new Candidate(camera, Stream.COHERENT, Direction.FROM_DEVICE, pool)))) {
                snooped.attachment(camera).map(Direction.FROM_DEVICE).unmap();
            }
            assertThat(pool.freePages()).isEqualTo(64);
        }
    }

    /** An exporter that makes memory late finds out that it has none when all have attached; nothing is left of the try. */
    @Test
    @Tag("S42")
    void memoryThatIsMissingInTheEndIsOneMoreTry() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = gpu(machine);
            MemoryPool full = machine.pool(4, true);
            MemoryPool enough = machine.pool(16, false);
            DeviceFunction encoder = machine.device("encoder");
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, full), new Candidate(encoder, Stream.COHERENT, enough)))) {
                assertThat(frames.attempts()).hasSize(2);
                Attempt first = frames.attempts().getFirst();
                assertThat(first.suitsAll()).isFalse();
                assertThat(first.answers()).isEmpty();
                assertThat(first.toString()).isEqualTo("memory of gpu, by pool: " + first.failure());
                assertThat(first.failure()).contains("the pool is full");
                assertThat(frames.shares()).singleElement()
                        .satisfies(share -> assertThat(share.buffer().exporter()).isSameAs(enough));
            }
            assertThat(full.freePages()).isEqualTo(4);
            assertThat(gpu.liveAttachments() + encoder.liveAttachments()).isZero();
            machine.found();
        }
    }

    /** Refuses a function once: the first question is the dry run's, the second attaching's, the third comes with the memory. */
    private record Fickle(Exporter inner, DeviceFunction of, int refused, AtomicInteger questions)
            implements
                Exporter {
        Fickle(Exporter inner, DeviceFunction of, int refused) {
            this(inner, of, refused, new AtomicInteger());
        }

        @Override
        public String name() {
            return "fickle";
        }

        @Override
        public CpuWriters cpuWriters() {
            return inner.cpuWriters();
        }

        @Override
        public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
            return inner.allocate(request);
        }

        @Override
        public Verdict review(DeviceFunction function, Verdict verdict) {
            if (!function.equals(of) || questions.incrementAndGet() != refused) return verdict;
            return new Verdict(List.of(Verdict.Problem.ofExporter(false, "not any more")));
        }
    }

    /** What the dry run said may be over when a device attaches: it is not served, and the attempt says why. */
    @Test
    @Tag("S42")
    void aDeviceThatIsRefusedAfterItsDryRunIsNotServed() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = gpu(machine);
            DeviceFunction encoder = machine.device("encoder");
            MemoryPool fickle = machine.pool(16, false);
            MemoryPool pool = machine.pool(16, false);
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, new Fickle(fickle, encoder, 2)),
                    new Candidate(encoder, Stream.COHERENT, pool)))) {
                Attempt first = frames.attempts().getFirst();
                assertThat(first.failure()).contains("encoder cannot attach", "not any more");
                assertThat(first.suitsAll()).isFalse();
                assertThat(first.toString()).isEqualTo(
                        "memory of gpu, by fickle: gpu: it fits, encoder: it fits; " + first.failure());
                assertThat(frames.shares()).singleElement().extracting(Share::toString)
                        .isEqualTo("frame of pool for gpu, encoder");
                assertThat(fickle.freePages()).as("the first try is given back").isEqualTo(16);
            }
            machine.found();
        }
    }

    /** A device that has only seen the size is asked again, and the others keep what they have. */
    @Test
    @Tag("S42")
    void aDeviceThatTheMemoryDoesNotSuitInTheEndGetsACopy() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = gpu(machine);
            DeviceFunction encoder = machine.device("encoder");
            MemoryPool pool = machine.pool(32, false);
            try (Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME, List.of(
                    new Candidate(gpu, Stream.COHERENT, new Fickle(pool, encoder, 3)),
                    new Candidate(encoder, Stream.COHERENT, null)))) {
                assertThat(frames.shares()).extracting(Share::toString).containsExactly("frame of fickle for gpu",
                        "frame, copy 1 of fickle for encoder");
                assertThat(frames.attempts().getFirst()).hasToString("memory of gpu, by fickle: gpu: it fits, "
                        + "encoder: the exporter refuses it: not any more");
            }
            assertThat(pool.freePages()).isEqualTo(32);
            assertThat(gpu.liveAttachments() + encoder.liveAttachments()).isZero();
            machine.found();
        }
    }

    @Test
    void whoWasNoCandidateHasNoAttachment() throws IOException {
        try (Machine machine = Machine.counting();
                Allocation frames = Allocation.allocateFor(machine.core(), "frame", FRAME,
                        List.of(new Candidate(gpu(machine), Stream.COHERENT, machine.pool(16, false))))) {
            assertThatThrownBy(() -> frames.attachment(scanOut(machine))).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("scan-out was no candidate");
        }
    }
}
