package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Mistakes that real drivers have made, made on purpose. */
class MisuseTest {
    private static final long SEED = 20261121;
    private static final long LIMIT_SECONDS = 30;

    @Test
    @Tag("M13")
    void whatTheCpuWroteIsNeverOptimisedAway() throws IOException {
        try (Machine machine = Machine.modelled()) {
            int size = 2 * PAGE;
            DmaBuf buffer = machine.own("frame", machine.pool(8, false), size);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = buffer.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            byte[] expected = new byte[size];
            Random random = new Random(SEED);
            try (Opener cpu = buffer.open("cpu")) {
                for (int frame = 0; frame < 300; frame++) {
                    int from = random.nextInt(size);
                    int length = 1 + random.nextInt(Math.min(300, size - from));
                    byte[] bytes = Machine.bytes(length, frame);
                    System.arraycopy(bytes, 0, expected, from, length);
                    switch (random.nextInt(3)) {
                        case 0 -> {
                            // Not TO_DEVICE alone: lines of which it writes a part would lose what the device wrote there.
                            try (CpuAccess access = cpu.begin(from, length, Direction.BIDIRECTIONAL)) {
                                access.write(from, bytes, 0, length);
                            }
                        }
                        case 1 -> {
                            mapping.syncForCpu();
                            try (CpuAccess access = cpu.begin(from, length, Direction.BIDIRECTIONAL)) {
                                access.write(from, bytes, 0, length);
                            }
                            mapping.syncForDevice();
                        }
                        default -> Machine.write(view, mapping, from, bytes);
                    }
                    assertThat(Arrays.mismatch(Machine.read(view, mapping, 0, size), expected))
                            .as("first wrong byte of frame %d, seed %d", frame, SEED).isEqualTo(-1);
                }
            }
            assertThat(buffer.counters().writeBackSkipped()).as("and much was").isPositive();
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    /**
     * A camera driver copies frames with the CPU, and does not enclose its writes by begin and end, as it has declared.
     */
    @Test
    @Tag("M14")
    void anExporterThatWritesWithoutTellingLeavesItDirty() throws IOException {
        try (Machine machine = Machine.modelled()) {
            MemoryPool pool = machine.pool(1, false);
            DmaBuf frame = machine.own("frame", pool, PAGE);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = frame.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            mapping.syncForCpu();
            Machine.store(pool.file(), 128, Machine.bytes(64, 1));
            mapping.syncForDevice();
            assertThat(Machine.read(view, mapping, 128, 64)).as("dirty in the caches").containsOnly(0);
            machine.found(Rule.CPU_WROTE_DEVICE_OWNED);
            mapping.unmap();
            machine.found(Rule.CPU_WROTE_DEVICE_OWNED, Rule.CPU_WROTE_DEVICE_OWNED);
            assertThat(machine.core().findings().errors()).extracting(Finding::from).containsOnly(128L);
            attachment.detach();

            DmaBuf honest = machine.released(machine.core().export("honest", PAGE,
                    new GuestPages(Machine.runs(pool.file(), 0))));
            Attachment other = honest.attach(display, Stream.NON_COHERENT);
            DeviceMapping seen = other.map(Direction.TO_DEVICE);
            assertThat(Machine.read(view, seen, 128, 64)).as("whose writers are unseen")
                    .isEqualTo(Machine.bytes(64, 1));
            seen.unmap();
            other.detach();
        }
    }

    @Test
    @Tag("M18")
    @Tag("M36")
    void aDeviceWhoseRowsArePaddedReadsBehindTheBuffer() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf frame = machine.guest("frame", ram, 0);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = frame.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            byte[] row = new byte[300];
            MemorySegment target = MemorySegment.ofArray(row);
            assertThat(view.read(mapping, PAGE - 299, target, 0, 300)).isEqualTo(Outcome.FAULT);
            assertThat(view.read(mapping, -1, target, 0, 1)).isEqualTo(Outcome.FAULT);
            assertThat(view.read(mapping, Long.MAX_VALUE, target, 0, 300)).isEqualTo(Outcome.FAULT);
            assertThat(view.read(mapping, PAGE - 300, target, 0, 300)).isEqualTo(Outcome.RESOLVED);
            assertThat(machine.core().findings().times(Rule.DEVICE_OUTSIDE_MAPPING)).isEqualTo(3);
            assertThat(machine.core().findings().report()).contains("read outside of its 4096 bytes");
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("M19")
    void lengthsBeyondThirtyTwoBitsAreLengths() throws IOException {
        try (Machine machine = Machine.counting()) {
            long size = 9L << 30;
            MemoryPool pool = machine.pool((int) (size / PAGE), true);
            DmaBuf buffer = machine.own("huge", pool, size);
            Attachment contiguous = buffer.attach(machine.core().function("contiguous",
                    DeviceDmaParams.physicallyContiguous()), Stream.NON_COHERENT);
            DeviceFunction device = machine.core().function("device", DeviceDmaParams.physicallyContiguous()
                    .withContiguous(false).withSegments((1L << 32) - PAGE, 10));
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            SegmentList list = mapping.segments();
            assertThat(list.count()).isEqualTo(3);
            assertThat(list.bytes()).isEqualTo(size);
            assertThat(list.length(0)).isEqualTo((1L << 32) - PAGE);
            assertThat(list.address(2)).isEqualTo(2 * ((1L << 32) - PAGE) + list.address(0));
            Machine.write(view, mapping, size - 10, Machine.bytes(10, 1));
            assertThat(Machine.load(pool.file(), size - 10, 10)).isEqualTo(Machine.bytes(10, 1));
            assertThat(buffer.counters().writeBackExecuted()).isEqualTo(size);
            mapping.unmap();
            attachment.detach();
            contiguous.detach();
            machine.found();
        }
    }

    /** A device reads on another thread until its buffer is gone. */
    @Test
    @Tag("M22")
    void aBufferThatGoesUnderItsDeviceIsAFaultAndNoCrash() throws Exception {
        try (Machine machine = Machine.modelled(); ExecutorService threads = Executors.newSingleThreadExecutor()) {
            for (int round = 0; round < 50; round++) {
                FileMapping ram = machine.file(1);
                DmaBuf buffer = machine.core().export("frame", PAGE, new GuestPages(Machine.runs(ram, 0)));
                DeviceFunction device = machine.core().function("device", DeviceDmaParams.throughIommu().withTranslated(
                        round % 2 == 0));
                DeviceMapping mapping = buffer.attach(device, Stream.NON_COHERENT).map(Direction.BIDIRECTIONAL);
                CountDownLatch reading = new CountDownLatch(1);
                Future<Outcome> last = threads.submit(() -> {
                    MemorySegment target = MemorySegment.ofArray(new byte[64]);
                    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
                    try (DeviceView view = DeviceView.open(device)) {
                        Outcome outcome = Outcome.RESOLVED;
                        while (outcome == Outcome.RESOLVED && System.nanoTime() - end < 0) {
                            outcome = view.read(mapping, 0, target, 0, 64);
                            if (outcome == Outcome.RESOLVED) outcome = view.write(mapping, 64, target, 0, 64);
                            reading.countDown();
                        }
                        return outcome;
                    }
                });
                assertThat(reading.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
                buffer.release();
                mapping.attachment().detach();
                assertThat(last.get(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo(Outcome.FAULT);
                assertThat(buffer.state()).isEqualTo(DmaBuf.State.RELEASED);
            }
            assertThat(machine.core().findings().errors()).extracting(finding -> finding.rule()).contains(
                    Rule.DETACHED_WHILE_MAPPED, Rule.DEVICE_AFTER_UNMAP);
        }
    }

    @Test
    @Tag("M24")
    @Tag("M33")
    void aMapThatFailsLeavesNothingBehind() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(4);
            ScriptedExporter exporter = new ScriptedExporter(true, _ -> null, List.of(
                    () -> {
                        throw new DmaBufException(Errno.ENOMEM, "none today");
                    },
                    ScriptedExporter.run(ram, 0, 2 * PAGE),
                    ScriptedExporter.run(ram, 2 * PAGE, PAGE)));
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE, exporter));
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            refused(Errno.ENOMEM, () -> attachment.map(Direction.TO_DEVICE), "none today");
            refused(Errno.EINVAL, () -> attachment.map(Direction.TO_DEVICE), "8192 bytes for a buffer of 4096");
            refused(Errno.EINVAL, attachment::putSegments, "not fetched");
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ABSTRACT);
            assertThat(device.liveMappings()).isZero();
            assertThat(device.space().table().mappings()).isEmpty();
            Machine.store(ram, 2 * PAGE, Machine.bytes(PAGE, 1));
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    /** Two threads import one buffer and have others of a pool that is too small for both. */
    @Test
    @Tag("M30")
    void importsThatFailAtTheSameTimeFreeNothingTwice() throws Exception {
        try (Machine machine = Machine.modelled(); ExecutorService threads = Executors.newFixedThreadPool(2)) {
            MemoryPool small = machine.pool(4, true);
            DmaBuf shared = machine.guest("shared", machine.file(2), 1, 0);
            CountDownLatch both = new CountDownLatch(2);
            List<Future<Integer>> work = List.of(threads.submit(() -> imports(machine, shared, small, both)),
                    threads.submit(() -> imports(machine, shared, small, both)));
            int done = 0;
            for (Future<Integer> one : work) done += one.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertThat(done).as("imports that went well; one thread may always have come too late").isPositive();
            assertThat(shared.attachments()).isEmpty();
            assertThat(small.freePages()).isEqualTo(4);
            machine.found(Rule.MAPPED_AT_IMPORT);
        }
    }

    /** How many imports went well. */
    private static int imports(Machine machine, DmaBuf shared, MemoryPool small, CountDownLatch both)
            throws Exception {
        DeviceFunction device = machine.device(Thread.currentThread().getName());
        both.countDown();
        assertThat(both.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
        int done = 0;
        for (int round = 0; round < 300; round++) {
            Attachment imported = shared.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = imported.map(Direction.TO_DEVICE);
            DmaBuf own = machine.core().export("own", 3 * PAGE, small);
            Attachment attachment = own.attach(device, Stream.NON_COHERENT);
            try {
                attachment.map(Direction.BIDIRECTIONAL).unmap();
                done++;
            } catch (DmaBufException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOMEM);
            }
            attachment.detach();
            own.release();
            mapping.unmap();
            imported.detach();
        }
        return done;
    }
}
