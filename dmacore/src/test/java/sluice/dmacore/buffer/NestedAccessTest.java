package sluice.dmacore.buffer;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Accesses of the CPU inside of each other: what one has written reaches the device when the last of them ends. */
class NestedAccessTest {
    private static final byte[] EIGHT = { 1, 2, 3, 4, 5, 6, 7, 8 };

    @Test
    @Tag("S24")
    @Tag("S40")
    void aWriteInsideOfAnAccessThatReadsReachesTheDevice() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.own("frame", machine.pool(2, false), 2 * PAGE);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = buffer.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            try (Opener one = buffer.open("one"); Opener two = buffer.open("two")) {
                CpuAccess outer = one.begin(Direction.FROM_DEVICE);
                CpuAccess inner = two.begin(128, 64, Direction.TO_DEVICE);
                inner.write(130, EIGHT, 0, 8);
                inner.end();
                outer.end();
            }
            assertThat(Machine.read(view, mapping, 130, 8)).isEqualTo(EIGHT);
            assertThat(buffer.counters().writeBackExecuted()).as("all of it when it was mapped, and a line")
                    .isEqualTo(2 * PAGE + 64);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    /** As the end of each access of the kernel's does: what comes between it and the last may be the end of the mapping. */
    @Test
    @Tag("S24")
    void whatAnEndedAccessWroteIsInMemoryAlthoughAnotherIsOpen() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf buffer = machine.guest("frame", ram, 0);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            try (Opener one = buffer.open("one"); Opener two = buffer.open("two")) {
                CpuAccess outer = one.begin(Direction.FROM_DEVICE);
                CpuAccess inner = two.begin(Direction.TO_DEVICE);
                inner.write(0, EIGHT, 0, 8);
                inner.end();
                mapping.unmap();
                outer.end();
            }
            assertThat(Machine.load(ram, 0, 8)).isEqualTo(EIGHT);
            attachment.detach();
            machine.found(Rule.MAPPED_AT_IMPORT);
        }
    }

    /** A guest stores when it likes: also what it stores after an access that wrote has ended goes to the device with the last one. */
    @Test
    @Tag("S24")
    void whatAGuestStoresBetweenTheEndsOfTwoAccessesReachesTheDevice() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf buffer = machine.guest("frame", ram, 0);
            DeviceFunction display = machine.device("display");
            Attachment attachment = buffer.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            try (Opener one = buffer.open("one"); Opener two = buffer.open("two")) {
                CpuAccess outer = one.begin(Direction.FROM_DEVICE);
                two.begin(Direction.TO_DEVICE).end();
                Machine.store(ram, 0, EIGHT);
                outer.end();
            }
            assertThat(Machine.read(machine.view(display), mapping, 0, 8)).isEqualTo(EIGHT);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    /** There is nothing to invalidate for what a device only reads, and it is asked for all the same. */
    @Test
    @Tag("S40")
    void whatADeviceOnlyReadsIsInvalidatedNever() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.own("frame", machine.pool(1, false), PAGE);
            Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            try (Opener cpu = buffer.open("cpu")) {
                cpu.begin(128, 64, Direction.FROM_DEVICE).end();
            }
            assertThat(buffer.counters().invalidateRequested()).isEqualTo(64);
            assertThat(buffer.counters().invalidateExecuted()).isZero();
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("S31")
    void aCoherentViewWritesInsideOfAnAccessThatReads() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.own("frame", machine.pool(1, false), PAGE);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = buffer.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                BufferView.map(cpu, 0, PAGE).write(64, EIGHT);
                byte[] seen = new byte[8];
                access.read(64, seen, 0, 8);
                assertThat(seen).isEqualTo(EIGHT);
            }
            assertThat(Machine.read(view, mapping, 64, 8)).isEqualTo(EIGHT);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("M11")
    @Tag("M31")
    void aWriteThroughAnotherBufferInsideOfAnAccessReachesTheDevice() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf one = machine.released(machine.core().export("one", 2 * PAGE,
                    new BracketedPages(Machine.runs(ram, 0, 1))));
            DmaBuf same = machine.released(machine.core().export("same", 2 * PAGE,
                    new BracketedPages(Machine.runs(ram, 1, 0))));
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = one.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            try (Opener reader = one.open("reader"); Opener writer = same.open("writer")) {
                CpuAccess outer = reader.begin(Direction.FROM_DEVICE);
                CpuAccess inner = writer.begin(PAGE, 64, Direction.BIDIRECTIONAL);
                inner.write(PAGE, EIGHT, 0, 8);
                inner.end();
                Machine.read(view, mapping, 0, 8);
                machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x1fff]");
                machine.found(Rule.SAME_PAGES_TWICE, Rule.MISSING_SYNC_FOR_DEVICE);
                outer.end();
            }
            assertThat(Machine.read(view, mapping, 0, 8)).isEqualTo(EIGHT);
            mapping.unmap();
            attachment.detach();
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x1fff]");
            machine.found(Rule.SAME_PAGES_TWICE, Rule.MISSING_SYNC_FOR_DEVICE);
        }
    }

    @Test
    @Tag("S29")
    void aLineIsGivenBackWhenItsLastAccessEnds() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            try (Opener cpu = buffer.open("cpu")) {
                CpuAccess left = cpu.begin(0, 64, Direction.BIDIRECTIONAL);
                CpuAccess right = cpu.begin(0, 128, Direction.BIDIRECTIONAL);
                right.end();
                Machine.read(view, mapping, 64, 8);
                machine.found();
                Machine.read(view, mapping, 32, 8);
                machine.found(Rule.MISSING_SYNC_FOR_DEVICE);
                left.end();
                Machine.read(view, mapping, 32, 8);
            }
            machine.found(Rule.MISSING_SYNC_FOR_DEVICE);
            mapping.unmap();
            attachment.detach();
        }
    }

    /** What a device gets in the middle of an access is current all the same when the access ends. */
    @Test
    @Tag("S24")
    void whatIsMappedInTheMiddleOfAnAccessIsCurrentAtItsEnd() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.own("frame", machine.pool(1, false), PAGE);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = buffer.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping;
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(Direction.TO_DEVICE)) {
                mapping = attachment.map(Direction.TO_DEVICE);
                access.write(0, EIGHT, 0, 8);
            }
            assertThat(Machine.read(view, mapping, 0, 8)).isEqualTo(EIGHT);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    /** A GPU that snoops has drawn, and has it: the end of an access of the CPU writes that back for a display that does not. */
    @Test
    @Tag("S40")
    void whatASnoopingDeviceWroteIsWrittenBackAtTheEndOfAnAccess() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.own("frame", machine.pool(1, false), PAGE);
            DeviceFunction gpu = machine.device("gpu");
            DeviceFunction display = machine.device("display");
            Attachment draws = buffer.attach(gpu, Stream.COHERENT);
            Attachment shows = buffer.attach(display, Stream.NON_COHERENT);
            DeviceMapping drawn = draws.map(Direction.BIDIRECTIONAL);
            DeviceMapping shown = shows.map(Direction.TO_DEVICE);
            Machine.write(machine.view(gpu), drawn, 64, EIGHT);
            try (Opener cpu = buffer.open("cpu")) {
                cpu.begin(Direction.FROM_DEVICE).end();
            }
            assertThat(Machine.read(machine.view(display), shown, 64, 8)).isEqualTo(EIGHT);
            drawn.unmap();
            shown.unmap();
            draws.detach();
            shows.detach();
            machine.found();
        }
    }
}
