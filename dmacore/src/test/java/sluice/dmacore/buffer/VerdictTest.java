package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** What can be said before anything is done, and what the types leave unsaid. */
class VerdictTest {
    @Test
    @Tag("S38")
    @Tag("M35")
    void aTestMappingSaysAllThatIsInTheWayAndChangesNothing() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf scattered = machine.guest("scattered", machine.file(8), 5, 2, 7);
            DeviceFunction old = machine.core().function("old", DeviceDmaParams.scatterGather()
                    .withSegments(1 << 20, 2).withMinAlignMask(4 * PAGE - 1).withDmaMask(4 * PAGE - 1));
            Verdict verdict = scattered.wouldAttach(old);
            assertThat(verdict.problems()).extracting(Verdict.Problem::segment, Verdict.Problem::rule).containsExactly(
                    tuple(-1, Verdict.Limit.SEGMENT_COUNT),
                    tuple(0, Verdict.Limit.ALIGNMENT),
                    tuple(0, Verdict.Limit.DMA_MASK),
                    tuple(1, Verdict.Limit.ALIGNMENT),
                    tuple(2, Verdict.Limit.ALIGNMENT),
                    tuple(2, Verdict.Limit.DMA_MASK));
            assertThat(verdict.toString()).contains("3 segments, but the device accepts at most 2",
                    "segment 0 begins at 0x5000");
            refused(Errno.EBUSY, () -> scattered.attach(old, Stream.COHERENT), verdict.toString());

            Attachment attachment = scattered.attachBouncing(old, Stream.COHERENT);
            assertThat(attachment.testMap()).isEqualTo(verdict);
            assertThat(old.space().table().mappings()).isEmpty();
            assertThat(scattered.counters().transfers() + scattered.counters().coherentTransfers()).isZero();
            attachment.detach();
            machine.found();
        }
    }

    /** A segment's last byte is compared with the mask, as an unsigned number. */
    @Test
    void aSegmentEndsInsideOfTheMask() throws IOException {
        try (Machine machine = Machine.counting()) {
            Runs page = Machine.runs(machine.file(1), 0);
            assertThat(reached(page, 0x3000, 0x3fff)).isEqualTo(Verdict.FITS);
            assertThat(reached(page, 0x3001, 0x3fff).problems()).singleElement().isEqualTo(
                    new Verdict.Problem(0, Verdict.Limit.DMA_MASK, 0x4000, 0x3fff, false, true));
            assertThat(limits(reached(page, Long.MIN_VALUE, Long.MAX_VALUE))).containsExactly(Verdict.Limit.DMA_MASK);
            assertThat(reached(page, -PAGE, -1)).isEqualTo(Verdict.FITS);
        }
    }

    private static Verdict reached(Runs page, long address, long mask) {
        DeviceDmaParams params = DeviceDmaParams.scatterGather().withDmaMask(mask);
        return Verdict.of(SegmentList.planned(page, params, _ -> address), page, BufferMemory.Kind.RAM, params);
    }

    @Test
    @Tag("S38")
    void aBufferWithoutMemoryIsJudgedByItsSize() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf late = machine.own("late", machine.pool(16, true), 8 * PAGE);
            Attachment attachment = late.attach(machine.device("gpu"), Stream.COHERENT);
            assertThat(attachment.testMap()).isEqualTo(Verdict.FITS);
            assertThat(late.state()).as("not allocated for a test").isEqualTo(DmaBuf.State.ABSTRACT);
            attachment.detach();
        }
    }

    private static List<Verdict.Limit> limits(Verdict verdict) {
        return verdict.problems().stream().map(Verdict.Problem::rule).toList();
    }

    /** Memory for snooping devices only, such as that of an exporter that cannot flush. */
    @Test
    @Tag("S13")
    @Tag("S39")
    @Tag("M35")
    void anExporterCanRefuseAStream() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE,
                    new SnoopedExporter(machine.pool(4, false))));
            DeviceFunction gpu = machine.device("gpu");
            assertThat(buffer.wouldAttach(gpu, Stream.COHERENT)).isEqualTo(Verdict.FITS);
            assertThat(limits(buffer.wouldAttach(gpu, Stream.NON_COHERENT))).containsExactly(Verdict.Limit.EXPORTER);
            refused(Errno.EINVAL, () -> buffer.attach(gpu, Stream.NON_COHERENT), "the exporter refuses it");
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            attachment.map(Direction.BIDIRECTIONAL).unmap();
            attachment.detach();
            machine.found();
        }
    }

    /** Refuses non-snooping devices. */
    private record SnoopedExporter(Exporter inner) implements Exporter {
        @Override
        public String name() {
            return "snooped";
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
        public Verdict review(DeviceFunction function, Stream stream, Verdict verdict) {
            return stream.coherent()
                    ? verdict
                    : verdict.with(List.of(new Verdict.Problem(-1, Verdict.Limit.EXPORTER, 0, 0, true, false)));
        }
    }

    @Test
    @Tag("S20")
    @Tag("S38")
    void aDryRunOfAnAttachmentSaysThatItIsGoneOrLate() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withLateAttach(LateAttach.NEVER))) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, true), 8 * PAGE);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            attachment.map(Direction.TO_DEVICE).unmap();
            DeviceFunction small = machine.core().function("small",
                    DeviceDmaParams.throughIommu().withSegments(PAGE, 7));
            Verdict late = buffer.wouldAttach(small);
            assertThat(limits(late)).contains(Verdict.Limit.SIZE, Verdict.Limit.LATE);
            assertThat(late.errno()).as("no memory would do").isEqualTo(Errno.EINVAL);
            assertThat(buffer.wouldAttach(gpu).errno()).isEqualTo(Errno.EBUSY);
            assertThat(buffer.wouldAttach(gpu).bounceable()).isFalse();
            buffer.revoke();
            assertThat(limits(buffer.wouldAttach(small))).contains(Verdict.Limit.SIZE, Verdict.Limit.STATE);
            assertThat(buffer.wouldAttach(small).errno()).isEqualTo(Errno.ENODEV);
            refused(Errno.ENODEV, () -> buffer.attach(small, Stream.COHERENT), "revoked");
            attachment.detach();
            DmaBuf gone = machine.core().export("gone", PAGE, machine.pool(1, false));
            gone.release();
            assertThat(limits(gone.wouldAttach(gpu))).containsExactly(Verdict.Limit.STATE);
            machine.found();
        }
    }

    @Test
    @Tag("S20")
    @Tag("D18")
    void aDryRunOfAnAttachmentSaysThatTooManyShareALine() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = machine.device("gpu");
            for (boolean late : new boolean[]{ true, false }) {
                DmaBuf buffer = machine.own("frame", machine.pool(8, late), PAGE);
                for (int i = 0; i < 64; i++) {
                    assertThat(buffer.wouldAttach(gpu).fits()).isTrue();
                    buffer.attach(gpu, Stream.COHERENT);
                }
                assertThat(limits(buffer.wouldAttach(gpu))).containsExactly(Verdict.Limit.HOLDERS);
                assertThat(buffer.wouldAttach(gpu).errno()).isEqualTo(Errno.ENOMEM);
                buffer.attachments().get(30).detach();
                assertThat(buffer.wouldAttach(gpu).fits()).as("a place in the middle").isTrue();
                buffer.attachments().forEach(Attachment::detach);
            }
            machine.found();
        }
    }

    @Test
    @Tag("S38")
    void aTestMappingSaysWhatElseIsInTheWay() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withExecutor(new WriteBackOnly()))) {
            FileMapping ram = machine.file(4);
            DeviceFunction camera = machine.device("camera");
            Attachment attachment = machine.guest("frame", ram, 0).attach(camera, Stream.NON_COHERENT);
            assertThat(attachment.testMap()).as("to read").isEqualTo(Verdict.FITS);
            assertThat(limits(attachment.testMap(Direction.FROM_DEVICE))).containsExactly(Verdict.Limit.INVALIDATION);
            assertThat(attachment.testMap(Direction.FROM_DEVICE).errno()).isEqualTo(Errno.EOPNOTSUPP);
            refused(Errno.EOPNOTSUPP, () -> attachment.map(Direction.FROM_DEVICE), "cannot invalidate");
            DmaBuf captured = machine.guest("captured", ram, 3);
            assertThat(captured.wouldAttach(camera, Stream.NON_COHERENT)).as("to read").isEqualTo(Verdict.FITS);
            assertThat(captured.wouldAttach(camera, Stream.COHERENT, Direction.FROM_DEVICE)).isEqualTo(Verdict.FITS);
            assertThat(limits(captured.wouldAttach(camera, Stream.NON_COHERENT, Direction.FROM_DEVICE)))
                    .containsExactly(Verdict.Limit.INVALIDATION);
            refused(Errno.EOPNOTSUPP, () -> captured.attach(camera, Stream.NON_COHERENT, Direction.BIDIRECTIONAL),
                    "cannot invalidate");
            assertThat(captured.attachments()).isEmpty();
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(limits(attachment.testMap())).containsExactly(Verdict.Limit.MAPPED);
            assertThat(attachment.testMap().errno()).isEqualTo(Errno.EBUSY);
            mapping.unmap();
            attachment.detach();

            ScriptedExporter tiler = new ScriptedExporter(false, memory -> memory,
                    List.of(ScriptedExporter.run(ram, PAGE, PAGE)));
            DmaBuf tiled = machine.released(machine.core().export("tiled", PAGE, tiler));
            Attachment snoops = tiled.attach(camera, Stream.COHERENT);
            assertThat(snoops.testMap(Direction.FROM_DEVICE)).isEqualTo(Verdict.FITS);
            Attachment other = tiled.attach(camera, Stream.NON_COHERENT);
            assertThat(other.testMap()).isEqualTo(Verdict.FITS);
            assertThat(tiler.freed).as("what it gave for the tests").hasValue(2);
            other.map(Direction.TO_DEVICE).unmap();
            snoops.detach();
            other.detach();

            DmaBuf rom = machine.released(machine.core().export("rom", PAGE, new ReadOnlyExporter(ram)));
            refused(Errno.EACCES, () -> rom.attach(camera, Stream.COHERENT, Direction.FROM_DEVICE), "read-only");
            Attachment writer = rom.attach(camera, Stream.COHERENT, Direction.TO_DEVICE);
            assertThat(writer.testMap().fits()).isTrue();
            assertThat(writer.testMap(Direction.BIDIRECTIONAL).errno()).isEqualTo(Errno.EACCES);
            assertThat(writer.testMap(Direction.BIDIRECTIONAL).toString()).contains("read-only");
            writer.detach();
            machine.found(Rule.MAPPED_AT_IMPORT);
        }
    }

    /** Only a mapping can be handed to a device, and only an attachment makes one. */
    @Test
    @Tag("S44")
    void whatIsNotMappedCannotBeHandedToADevice() {
        assertThat(DeviceMapping.class.getConstructors()).isEmpty();
        assertThat(Attachment.class.getConstructors()).isEmpty();
        assertThat(SegmentList.class.getConstructors()).isEmpty();
        List<Method> accesses = Arrays.stream(DeviceView.class.getMethods())
                .filter(method -> List.of("find", "giveAndFind", "read", "write").contains(method.getName())).toList();
        assertThat(accesses).hasSize(5)
                .allSatisfy(method -> assertThat(method.getParameterTypes()[0]).isEqualTo(DeviceMapping.class));
    }

    @Test
    @Tag("S44")
    @Tag("M5")
    void aMappingIsItsOwnDevices() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            DeviceView other = machine.view(machine.device("display"));
            assertThatThrownBy(() -> Machine.read(other, mapping, 0, 8)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("display uses a mapping of gpu");
            mapping.unmap();
            attachment.detach();
        }
    }
}
