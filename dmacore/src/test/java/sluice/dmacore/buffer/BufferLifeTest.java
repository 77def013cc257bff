package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** A buffer from its export to its last release: when it gets memory, when it moves, when it is taken back. */
class BufferLifeTest {
    @Test
    @Tag("S19")
    @Tag("S20")
    @Tag("S21")
    void memoryIsChosenWhenAllDevicesAreKnown() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(64, true);
            DmaBuf buffer = machine.own("frame", pool, 8 * PAGE);
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ABSTRACT);
            assertThat(pool.freePages()).isEqualTo(64);
            Attachment gpu = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            DeviceFunction scanOut = machine.core().function("scan-out",
                    DeviceDmaParams.physicallyContiguous().withMinAlignMask(4 * PAGE - 1));
            Attachment display = buffer.attach(scanOut, Stream.NON_COHERENT);
            assertThat(gpu.getSegments().count()).isEqualTo(1);
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            assertThat(pool.freePages()).isEqualTo(56);
            SegmentList segments = display.getSegments();
            assertThat(segments.count()).as("as the pickiest of them wants it").isEqualTo(1);
            assertThat(segments.address(0) % (4 * PAGE)).isZero();
            gpu.putSegments();
            display.putSegments();
            gpu.detach();
            display.detach();
        }
    }

    @Test
    @Tag("S19")
    @Tag("S14")
    @Tag("S23")
    void aLateDeviceGetsEbusyIfTheMemoryDoesNotSuitIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, true), 8 * PAGE);
            Attachment gpu = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            assertThat(gpu.getSegments().bytes()).isEqualTo(8 * PAGE);
            DeviceFunction scanOut = machine.core().function("scan-out", DeviceDmaParams.physicallyContiguous());
            assertThat(buffer.wouldAttach(scanOut).errno()).isEqualTo(Errno.EBUSY);
            refused(Errno.EBUSY, () -> buffer.attach(scanOut, Stream.COHERENT), "contiguous");
            Attachment late = buffer.attach(machine.device("late"), Stream.COHERENT);
            late.detach();
            gpu.putSegments();
            gpu.detach();
        }
    }

    @Test
    @Tag("S23")
    void lateDevicesCanBeRefusedAlways() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withLateAttach(LateAttach.NEVER))) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, true), 8 * PAGE);
            Attachment gpu = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            gpu.map(Direction.TO_DEVICE).unmap();
            refused(Errno.EBUSY, () -> buffer.attach(machine.device("late"), Stream.COHERENT), "late attachments");
            gpu.detach();
        }
    }

    /** Memory allocated at export was not chosen for a device: an attachment is late after the first user. */
    @Test
    @Tag("S23")
    void lateDevicesCanBeRefusedByAnExporterThatAllocatesAtOnce() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withLateAttach(LateAttach.NEVER))) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment gpu = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            Attachment inTime = buffer.attach(machine.device("in time"), Stream.COHERENT);
            gpu.map(Direction.TO_DEVICE).unmap();
            assertThat(buffer.wouldAttach(machine.device("late"), Stream.COHERENT).errno()).isEqualTo(Errno.EBUSY);
            refused(Errno.EBUSY, () -> buffer.attach(machine.device("late"), Stream.COHERENT), "late attachments");
            inTime.map(Direction.TO_DEVICE).unmap();
            inTime.detach();
            gpu.detach();
        }
    }

    @Test
    @Tag("S2")
    @Tag("S10")
    void segmentsAreMadeOnceAndCounted() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(4), 3, 1);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            SegmentList list = attachment.getSegments();
            assertThat(attachment.getSegments()).isSameAs(list);
            attachment.putSegments();
            attachment.putSegments();
            refused(Errno.EINVAL, attachment::putSegments, "not fetched");
            attachment.detach();
        }
    }

    @Test
    @Tag("S1")
    void attachingMapsNothing() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(4), 3, 1);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attach(gpu, Stream.NON_COHERENT);
            attachment.getSegments();
            assertThat(gpu.space().table().mappings()).isEmpty();
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(gpu.space().table().mappings()).hasSize(1);
            mapping.unmap();
            assertThat(machine.core().findings().times(Rule.MAPPED_AT_IMPORT)).as("mapped, and used by nobody")
                    .isEqualTo(1);
            attachment.putSegments();
            attachment.detach();
            machine.found(Rule.MAPPED_AT_IMPORT);
        }
    }

    @Test
    @Tag("S11")
    @Tag("S36")
    @Tag("M1")
    @Tag("M2")
    void eachAttachmentHasItsOwnAddressesAndNothingElse() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(4), 3, 1);
            DeviceFunction one = machine.core().function("one", DeviceDmaParams.throughIommu().withSegments(PAGE, 10));
            DeviceFunction two = machine.device("two");
            Attachment first = buffer.attach(one, Stream.COHERENT);
            Attachment second = buffer.attach(two, Stream.COHERENT);
            DeviceMapping a = first.map(Direction.TO_DEVICE);
            DeviceMapping b = second.map(Direction.TO_DEVICE);
            assertThat(a.segments().count()).isEqualTo(2);
            assertThat(b.segments().count()).isEqualTo(1);
            assertThat(SegmentList.class.getMethods()).extracting(method -> method.getReturnType().getSimpleName())
                    .doesNotContain("FileMapping", "Runs", "MemorySegment", "Segments");
            a.unmap();
            b.unmap();
            first.detach();
            second.detach();
        }
    }

    @Test
    @Tag("S35")
    @Tag("S12")
    void aMoveMovesThePagesAndTellsThoseWhoCanBearIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, false), 4 * PAGE);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            List<DeviceMapping> live = new ArrayList<>();
            Attachment attachment = buffer.attachDynamic(gpu, Stream.COHERENT, moving -> {
                try {
                    live.removeFirst().unmap();
                } catch (DmaBufException e) {
                    throw new AssertionError(e);
                }
            });
            live.add(attachment.map(Direction.BIDIRECTIONAL));
            DeviceMapping former = live.getFirst();
            Machine.write(view, former, PAGE, Machine.bytes(PAGE, 1));
            SegmentList before = attachment.getSegments();
            buffer.move();
            assertThat(live).isEmpty();
            DeviceMapping next = attachment.map(Direction.BIDIRECTIONAL);
            assertThat(Machine.read(view, next, PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            assertThat(attachment.getSegments()).as("a list of the old place").isNotSameAs(before);
            assertThat(view.read(former, 0, MemorySegment.ofArray(new byte[8]), 0, 8))
                    .isEqualTo(Outcome.FAULT);
            next.unmap();
            attachment.detach();
            machine.found(Rule.DEVICE_AFTER_UNMAP);
        }
    }

    @Test
    @Tag("S35")
    void aMappingThatCannotBearItKeepsTheBufferInPlace() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, false), 4 * PAGE);
            Attachment attachment = buffer.attach(machine.device("old"), Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            refused(Errno.EBUSY, buffer::move, "old keeps it");
            mapping.unmap();
            Attachment pinned = buffer.attachDynamic(machine.device("scan-out"), Stream.COHERENT, moving -> {});
            pinned.pin();
            refused(Errno.EBUSY, buffer::move, "scan-out keeps it");
            pinned.unpin();
            refused(Errno.EINVAL, pinned::unpin, "not pinned");
            buffer.move();
            attachment.detach();
            pinned.detach();
            refused(Errno.EOPNOTSUPP, machine.guest("guest", machine.file(1), 0)::move, "cannot move");
        }
    }

    @Test
    @Tag("S35")
    @Tag("M16")
    void whoDoesNotUnmapInTimeLosesItAndIsFound() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withMoveBound(Duration.ofMillis(20)))) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, false), 4 * PAGE);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment attachment = buffer.attachDynamic(gpu, Stream.COHERENT, moving -> {});
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            buffer.move();
            assertThat(mapping.isLive()).isFalse();
            assertThat(gpu.space().table().mappings()).isEmpty();
            assertThat(view.read(mapping, 0, MemorySegment.ofArray(new byte[8]), 0, 8))
                    .isEqualTo(Outcome.FAULT);
            mapping.unmap();
            attachment.detach();
            machine.found(Rule.HELD_OVER_MOVE, Rule.DEVICE_AFTER_UNMAP);
        }
    }

    @Test
    @Tag("S35")
    void aRevokedBufferIsGoneForItsDevicesAtOnce() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(64, false), 4 * PAGE);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            buffer.revoke();
            assertThat(gpu.space().table().mappings()).isEmpty();
            refused(Errno.ENODEV, () -> buffer.attach(machine.device("late"), Stream.COHERENT), "revoked");
            refused(Errno.ENODEV, attachment::getSegments, "revoked");
            mapping.unmap();
            refused(Errno.ENODEV, () -> attachment.map(Direction.TO_DEVICE), "revoked");
            try (var _ = view.enter()) {
                assertThat(view.find(mapping, 0, 8, Access.READ, new Runs()))
                        .isEqualTo(Outcome.FAULT);
            }
            attachment.detach();
            machine.found(Rule.USE_AFTER_REVOKE, Rule.USE_AFTER_REVOKE, Rule.DEVICE_AFTER_UNMAP);
        }
    }

    /** What every exporter does: it hands the buffer over, and closes its descriptor. */
    @Test
    @Tag("M22")
    void aBufferLivesAsLongAsItsLastImporter() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(2);
            DmaBuf buffer = machine.core().export("frame", PAGE, new GuestPages(Machine.runs(ram, 1)));
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            Opener cpu = buffer.open("cpu");
            buffer.release();
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
            assertThat(Machine.load(ram, PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            mapping.unmap();
            attachment.detach();
            try (CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                assertThat(access.page(0).byteSize()).isEqualTo(PAGE);
            }
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            cpu.close();
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.RELEASED);
            assertThatThrownBy(buffer::retain).isInstanceOf(IllegalStateException.class);
            machine.found();
        }
    }

    @Test
    @Tag("M22")
    void aReferenceOfAnotherIsNotGivenBack() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.core().export("frame", PAGE, new GuestPages(Machine.runs(machine.file(1), 0)));
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            buffer.retain();
            buffer.release();
            buffer.release();
            assertThatThrownBy(buffer::release).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("more often than retained");
            machine.found(Rule.RELEASED_WHILE_ATTACHED);
            attachment.map(Direction.TO_DEVICE).unmap();
            attachment.detach();
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.RELEASED);
            assertThatThrownBy(buffer::release).isInstanceOf(IllegalStateException.class);
            machine.found(Rule.RELEASED_WHILE_ATTACHED);
        }
    }

    @Test
    @Tag("M21")
    void whatADriverLeavesAttachedIsFound() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 1);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            assertThat(machine.core().unbind(gpu)).isZero();
            machine.found(Rule.LEFT_ATTACHED);
            assertThat(machine.core().findings().report()).contains("keeps 1 buffers");
            attachment.detach();
            machine.core().findings().clear();
            assertThat(machine.core().unbind(gpu)).isZero();
            machine.found();
        }
    }

    @Test
    @Tag("M23")
    void aSecondMappingNeedsASecondAttachment() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            refused(Errno.EBUSY, () -> attachment.map(Direction.TO_DEVICE), "already");
            mapping.unmap();
            attachment.detach();
            attachment.detach();
            refused(Errno.EINVAL, () -> attachment.map(Direction.TO_DEVICE), "not attached");
            machine.found(Rule.MAPPED_TWICE);
            machine.only(Rule.MAPPED_TWICE);
        }
    }

    @Test
    void namesAndSizesAreLinuxs() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            buffer.setName("x".repeat(31));
            refused(Errno.EINVAL, () -> buffer.setName("x".repeat(32)), "31");
            refused(Errno.EINVAL, () -> machine.core().export("empty", 0, machine.pool(1, false)), "at least one byte");
        }
    }

    @Test
    @Tag("S24")
    void aPoolThatIsFullSaysSo() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(4, false);
            DmaBuf most = machine.own("most", pool, 3 * PAGE);
            assertThat(most.size()).isEqualTo(3 * PAGE);
            refused(Errno.ENOMEM, () -> machine.own("more", pool, 2 * PAGE), "the pool is full");
            assertThat(pool.freePages()).isEqualTo(1);
            DmaBuf late = machine.own("late", machine.pool(1, true), 2 * PAGE);
            try (Opener cpu = late.open("cpu")) {
                refused(Errno.ENOMEM, () -> cpu.begin(Direction.FROM_DEVICE), "the pool is full");
            }
        }
    }

    /** 16,384 pieces of one page, and as many buffers of them as may be: what a guest can list in a command each. */
    @Test
    @Timeout(20)
    void manyPiecesOfTheSamePageDoNotTakeForEver() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(4);
            Runs pieces = new Runs();
            for (int i = 0; i < 16_384; i++) pieces.add(ram, (i * 7919) % (4 * PAGE - 1), 1);
            DeviceFunction gpu = machine.device("gpu");
            List<Attachment> attachments = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                DmaBuf buffer = machine
                        .released(machine.core().export("pieces " + i, pieces.bytes(), new GuestPages(pieces)));
                attachments.add(buffer.attach(gpu, Stream.COHERENT));
            }
            attachments.forEach(Attachment::detach);
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x3fff]");
            machine.found(Rule.SAME_PAGES_TWICE);
        }
    }

    @Test
    @Tag("D25")
    void aDriverThatGoesLeavesNothingMapped() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(machine.core().unbind(gpu)).isEqualTo(1);
            machine.found(Rule.D25_MAPPED_AT_DETACH);
            assertThat(machine.core().findings().report()).contains("left 1 mappings, the first of frame at 0x");
            mapping.unmap();
            attachment.detach();
            assertThat(machine.core().unbind(gpu)).isZero();
            machine.found(Rule.D25_MAPPED_AT_DETACH);
        }
    }

    @Test
    @Tag("S35")
    void whatIsWrittenDuringAMoveIsFound() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(8, false), PAGE);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            List<DeviceMapping> live = new ArrayList<>();
            Attachment attachment = buffer.attachDynamic(gpu, Stream.COHERENT, moving -> {
                Machine.write(view, live.getFirst(), 0, new byte[8]);
                try {
                    live.getFirst().unmap();
                } catch (DmaBufException e) {
                    throw new AssertionError(e);
                }
            });
            live.add(attachment.map(Direction.BIDIRECTIONAL));
            buffer.move();
            attachment.detach();
            machine.found(Rule.WROTE_WHILE_MOVING);
        }
    }

    @Test
    @Tag("S35")
    void aPinThatIsHeldLongIsAHint() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withHeldLong(Duration.ofNanos(1)))) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attachDynamic(machine.device("gpu"), Stream.COHERENT, _ -> {});
            attachment.pin();
            attachment.pin();
            attachment.unpin();
            assertThat(machine.core().findings().times(Rule.HELD_LONG)).as("one is left").isZero();
            attachment.unpin();
            assertThat(machine.core().findings().times(Rule.HELD_LONG)).isEqualTo(1);
            attachment.pin();
            attachment.detach();
            assertThat(machine.core().findings().times(Rule.HELD_LONG)).isEqualTo(2);
            assertThat(machine.core().findings().report()).contains("pinned for");
            machine.about(Rule.HELD_LONG, "[0x0, 0xfff]");
            machine.found(Rule.HELD_LONG);
        }
    }

    @Test
    @Tag("S35")
    void aMappingThatIsHeldLongIsAHint() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withHeldLong(Duration.ofNanos(1)))) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            attachment.map(Direction.TO_DEVICE).unmap();
            attachment.detach();
            assertThat(machine.core().findings().times(Rule.HELD_LONG)).isEqualTo(1);
            machine.about(Rule.HELD_LONG, "[0x0, 0xfff]");
            machine.found(Rule.HELD_LONG);
        }
    }
}
