package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.EnumSet;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Flavour;
import sluice.dmacore.ownership.OwnershipCounters;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** What transfers cost, and which are against the rules. */
class TransferTest {
    private static final int FRAME = 8 * PAGE;

    @Test
    @Tag("S40")
    void threeDevicesThatDoNotSnoopAreOneFlush() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(8), 3, 1, 7, 0, 2, 6, 4, 5);
            Attachment[] attachments = new Attachment[3];
            DeviceMapping[] mappings = new DeviceMapping[3];
            for (int i = 0; i < 3; i++) {
                attachments[i] = buffer.attach(machine.device("device " + i), Stream.NON_COHERENT);
                mappings[i] = attachments[i].map(Direction.TO_DEVICE);
            }
            OwnershipCounters counters = buffer.counters();
            assertThat(counters.writeBackRequested()).isEqualTo(3 * FRAME);
            assertThat(counters.writeBackExecuted()).isEqualTo(FRAME);
            assertThat(counters.writeBackSkipped()).isEqualTo(2 * FRAME);
            for (int i = 0; i < 3; i++) {
                mappings[i].unmap();
                attachments[i].detach();
            }
            assertThat(machine.core().totals().writeBackExecuted()).as("kept when the buffer is not looked at")
                    .isEqualTo(FRAME);
            machine.found(Rule.MAPPED_AT_IMPORT);
        }
    }

    @Test
    @Tag("S40")
    void whereEveryWriterTellsNothingIsFlushedTwice() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(16, false), FRAME);
            Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            try (Opener cpu = buffer.open("cpu")) {
                for (int frame = 0; frame < 5; frame++) {
                    mapping.syncForCpu();
                    mapping.syncForDevice();
                }
                assertThat(buffer.counters().writeBackExecuted()).isEqualTo(FRAME);
                try (CpuAccess access = cpu.begin(PAGE, 128, Direction.TO_DEVICE)) {
                    access.write(PAGE + 3, new byte[]{ 1 }, 0, 1);
                }
                assertThat(buffer.counters().writeBackExecuted()).as("two lines were written").isEqualTo(FRAME + 128);
            }
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S40")
    void whatAGuestMayHaveWrittenIsFlushedEachTime() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 0, 1);
            Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            for (int frame = 0; frame < 5; frame++) {
                mapping.syncForCpu();
                mapping.syncForDevice();
            }
            assertThat(buffer.counters().writeBackExecuted()).isEqualTo(6 * 2 * PAGE);
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("S39")
    void oneDeviceHasAStreamThatSnoopsAndOneThatDoesNot() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf buffer = machine.guest("frame", ram, 0);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment render = buffer.attach(gpu, Stream.COHERENT);
            Attachment scanOut = buffer.attach(gpu, Stream.NON_COHERENT);
            DeviceMapping drawn = render.map(Direction.BIDIRECTIONAL);
            Machine.write(view, drawn, 0, Machine.bytes(64, 1));
            drawn.syncForCpu();
            DeviceMapping shown = scanOut.map(Direction.TO_DEVICE);
            assertThat(Machine.read(view, shown, 0, 64)).isEqualTo(Machine.bytes(64, 1));
            assertThat(buffer.counters().coherentTransfers()).isEqualTo(2);
            assertThat(buffer.counters().transfers()).isEqualTo(1);
            shown.unmap();
            drawn.unmap();
            render.detach();
            scanOut.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S7")
    void aDeviceThatSnoopsIsCountedAndCostsNothing() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            mapping.syncForCpu();
            mapping.syncForDevice();
            mapping.unmap();
            OwnershipCounters counters = buffer.counters();
            assertThat(counters.coherentTransfers()).isEqualTo(4);
            assertThat(counters.writeBackRequested() + counters.invalidateRequested()).isZero();
            attachment.detach();
        }
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void eachFlavourHasItsOperations(Direction direction) throws IOException {
        for (Flavour flavour : Flavour.values()) {
            try (Machine machine = Machine.with(DmaCoreOptions.counting().withFlavour(flavour))) {
                DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
                Attachment attachment = buffer.attach(machine.device("device"), Stream.NON_COHERENT);
                DeviceMapping mapping = attachment.map(direction);
                mapping.unmap();
                OwnershipCounters counters = buffer.counters();
                assertThat(counters.writeBackExecuted()).as("%s %s", flavour, direction)
                        .isEqualTo(PAGE * writeBacks(flavour, direction));
                assertThat(counters.invalidateExecuted()).as("%s %s", flavour, direction)
                        .isEqualTo(PAGE * invalidations(flavour, direction));
                assertThat(counters.writeBackSkipped() + counters.invalidateSkipped()).isZero();
                attachment.detach();
            }
        }
    }

    private static long writeBacks(Flavour flavour, Direction direction) {
        return switch (flavour) {
            case ARM64 -> 1;
            case ARC -> direction.deviceReads() ? 1 : 0;
            case COHERENT -> 0;
        };
    }

    /** After the device's turn, and before it on ARC. */
    private static long invalidations(Flavour flavour, Direction direction) {
        if (!direction.deviceWrites()) return 0;
        return switch (flavour) {
            case ARM64 -> 1;
            case ARC -> 2;
            case COHERENT -> 0;
        };
    }

    @Test
    void arcLosesWhatTheCpuLeftInABufferThatIsToBeFilled() throws IOException {
        for (Flavour flavour : new Flavour[]{ Flavour.ARM64, Flavour.ARC }) {
            try (Machine machine = Machine.modelledWith(DmaCoreOptions.counting().withFlavour(flavour))) {
                FileMapping ram = machine.file(1);
                DmaBuf buffer = machine.guest("frame", ram, 0);
                Attachment attachment = buffer.attach(machine.device("camera"), Stream.NON_COHERENT);
                Machine.store(ram, 0, new byte[]{ 5 });
                attachment.map(Direction.FROM_DEVICE).unmap();
                assertThat(Machine.load(ram, 0, 1)[0]).as(flavour.name())
                        .isEqualTo((byte) (flavour == Flavour.ARM64 ? 5 : 0));
                attachment.detach();
                assertThat(machine.core().findings().times(Rule.NEVER_WRITTEN)).isEqualTo(1);
            }
        }
    }

    @Test
    @Tag("S3")
    @Tag("S5")
    void aLongLivedMappingIsSyncedInBothDirections() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf buffer = machine.guest("frame", ram, 1, 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            for (int frame = 1; frame < 20; frame++) {
                mapping.syncForCpu(0, PAGE, Direction.TO_DEVICE);
                Machine.store(ram, PAGE, Machine.bytes(PAGE, frame));
                mapping.syncForDevice(0, PAGE, Direction.TO_DEVICE);
                assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, frame));
                mapping.syncForDevice(PAGE, PAGE, Direction.FROM_DEVICE);
                Machine.write(view, mapping, PAGE, Machine.bytes(PAGE, 100 + frame));
                mapping.syncForCpu(PAGE, PAGE, Direction.FROM_DEVICE);
                assertThat(Machine.load(ram, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 100 + frame));
            }
            mapping.syncForDevice();
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S6")
    @Tag("D21")
    @Tag("D22")
    @Tag("D23")
    @Tag("D20")
    @Tag("D19")
    @Tag("D2")
    @Tag("M4")
    void transfersThatAreNotTheMappingsAreRefused() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("device"), Stream.NON_COHERENT);
            DeviceMapping read = attachment.map(Direction.TO_DEVICE);
            refused(Errno.EINVAL, () -> read.syncForDevice(0, 64, Direction.BIDIRECTIONAL), "BIDIRECTIONAL",
                    "TO_DEVICE");
            refused(Errno.EINVAL, () -> read.syncForCpu(0, 64, Direction.FROM_DEVICE), "FROM_DEVICE");
            machine.foundNext(Rule.D21_SYNC_DIRECTION, Rule.D21_SYNC_DIRECTION);
            refused(Errno.EINVAL, () -> read.syncForCpu(0, 64, Direction.BIDIRECTIONAL), "BIDIRECTIONAL");
            machine.foundNext(Rule.D22_SYNC_FOR_CPU_READ_ONLY);
            refused(Errno.EINVAL, () -> read.syncForCpu(64, PAGE, Direction.TO_DEVICE), "4096 bytes at 64");
            machine.foundNext(Rule.D20_SYNC_TOO_LONG);
            refused(Errno.EINVAL, () -> read.syncForCpu(-1, 2, Direction.TO_DEVICE));
            refused(Errno.EINVAL, () -> read.syncForCpu(2, Long.MAX_VALUE, Direction.TO_DEVICE));
            machine.foundNext(Rule.D20_SYNC_TOO_LONG, Rule.D20_SYNC_TOO_LONG);
            read.unmap();
            DeviceMapping written = attachment.map(Direction.FROM_DEVICE);
            refused(Errno.EINVAL, () -> written.syncForDevice(0, 64, Direction.TO_DEVICE), "FROM_DEVICE");
            refused(Errno.EINVAL, () -> written.syncForCpu(0, 64, Direction.BIDIRECTIONAL), "BIDIRECTIONAL");
            machine.foundNext(Rule.D21_SYNC_DIRECTION, Rule.D21_SYNC_DIRECTION);
            refused(Errno.EINVAL, () -> written.syncForDevice(0, 64, Direction.BIDIRECTIONAL), "BIDIRECTIONAL");
            machine.foundNext(Rule.D23_SYNC_FOR_DEVICE_WRITE_ONLY);
            written.unmap();
            refused(Errno.EINVAL, written::syncForCpu, "synced after the unmap");
            machine.about(Rule.NEVER_WRITTEN, "[0x0, 0xfff]");
            machine.foundNext(Rule.NEVER_WRITTEN, Rule.D19_SYNC_NOT_MAPPED);
            refused(Errno.EINVAL, written::unmap, "unmapped a second time");
            machine.foundNext(Rule.D2_UNMAP_NOT_MAPPED);
            attachment.detach();
        }
    }

    @Test
    @Tag("D7")
    @Tag("M7")
    void anotherDirectionAtUnmapIsFoundAndTheMappingEnds() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("device"), Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            mapping.unmap(Direction.TO_DEVICE, EnumSet.noneOf(DmaAttribute.class));
            assertThat(mapping.isLive()).isFalse();
            attachment.detach();
            machine.found(Rule.MAPPED_AT_IMPORT, Rule.D7_UNMAP_DIRECTION);
        }
    }

    @Test
    @Tag("D17")
    @Tag("M31")
    void twoBuffersWithTheSamePagesAreOneMemory() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf one = machine.guest("one", ram, 0, 1, 2, 3);
            DmaBuf other = machine.guest("other", ram, 5, 2, 6, 2);
            DeviceFunction device = machine.device("device");
            Attachment first = one.attach(machine.device("first"), Stream.NON_COHERENT);
            Attachment second = other.attach(device, Stream.NON_COHERENT);
            assertThat(machine.core().findings().times(Rule.SAME_PAGES_TWICE)).isEqualTo(1);
            DeviceMapping a = first.map(Direction.TO_DEVICE);
            DeviceMapping b = second.map(Direction.TO_DEVICE);
            assertThat(other.counters().writeBackExecuted()).as("page 2 was flushed for the other").isEqualTo(2 * PAGE);
            b.unmap();
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x3fff]");
            machine.found(Rule.MAPPED_AT_IMPORT, Rule.SAME_PAGES_TWICE);
            a.unmap();
            DeviceMapping c = first.map(Direction.FROM_DEVICE);
            DeviceMapping d = second.map(Direction.FROM_DEVICE);
            machine.about(Rule.D17_OVERLAPPING_WRITES, "[0x1000, 0x1fff]", "[0x3000, 0x3fff]");
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x3fff]");
            machine.found(Rule.D17_OVERLAPPING_WRITES, Rule.MAPPED_AT_IMPORT, Rule.SAME_PAGES_TWICE);
            Finding overlap = machine.only(Rule.D17_OVERLAPPING_WRITES);
            assertThat(overlap.from()).isEqualTo(PAGE);
            assertThat(overlap.length()).isEqualTo(PAGE);
            c.unmap();
            d.unmap();
            first.detach();
            second.detach();
        }
    }

    @Test
    @Tag("D17")
    void neighboursInOneLineShareIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(1);
            Runs left = new Runs();
            left.add(ram, 0, 100);
            Runs right = new Runs();
            right.add(ram, 100, 100);
            DmaBuf one = machine.released(machine.core().export("left", 100, new GuestPages(left)));
            DmaBuf two = machine.released(machine.core().export("right", 100, new GuestPages(right)));
            Attachment first = one.attach(machine.device("first"), Stream.NON_COHERENT);
            Attachment second = two.attach(machine.device("second"), Stream.NON_COHERENT);
            DeviceMapping a = first.map(Direction.FROM_DEVICE);
            DeviceMapping b = second.map(Direction.FROM_DEVICE);
            machine.about(Rule.D17_OVERLAPPING_WRITES, "[0x0, 0x1b]");
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x63]");
            machine.found(Rule.D17_OVERLAPPING_WRITES, Rule.SAME_PAGES_TWICE);
            assertThat(machine.only(Rule.D17_OVERLAPPING_WRITES).length()).as("of the line's 64").isEqualTo(28);
            a.unmap();
            b.unmap();
            first.detach();
            second.detach();
        }
    }

    @Test
    void skippingIsFoundWhereTheCpuHasWritten() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.own("frame", machine.pool(4, false), PAGE);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(Direction.TO_DEVICE)) {
                access.write(64, Machine.bytes(8, 1), 0, 8);
            }
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.SKIP_CPU_SYNC));
            machine.found();
            assertThat(Machine.read(view, mapping, 64, 8)).as("still in the caches").containsOnly(0);
            machine.found(Rule.SKIPPED_WHILE_DIRTY);
            mapping.syncForDevice(64, 64, Direction.TO_DEVICE);
            assertThat(Machine.read(view, mapping, 64, 8)).isEqualTo(Machine.bytes(8, 1));
            mapping.unmap();
            assertThat(buffer.counters().writeBackExecuted()).isEqualTo(64);
            machine.found(Rule.SKIPPED_WHILE_DIRTY);
            attachment.detach();
        }
    }

    @Test
    void whatADeviceDoesNotFillIsNamed() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            Attachment attachment = buffer.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE);
            Machine.write(view, mapping, 0, new byte[1000]);
            Machine.write(view, mapping, 1024, new byte[PAGE - 1024]);
            mapping.syncForCpu();
            assertThat(machine.core().findings().all()).singleElement().satisfies(counted -> {
                assertThat(counted.finding().rule()).isEqualTo(Rule.NEVER_WRITTEN);
                assertThat(counted.finding().from()).isEqualTo(1000);
                assertThat(counted.finding().length()).isEqualTo(24);
            });
            mapping.syncForDevice();
            mapping.unmap();
            attachment.detach();
            machine.about(Rule.NEVER_WRITTEN, "[0x0, 0xfff]", "[0x3e8, 0x3ff]");
            machine.found(Rule.NEVER_WRITTEN);
        }
    }

    @Test
    @Tag("S3")
    void mappingAndTransferAreSeparateCalls() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf buffer = machine.guest("frame", ram, 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.CPU_KEEPS));
            assertThat(buffer.counters().writeBackRequested()).isZero();
            Machine.store(ram, 0, Machine.bytes(64, 4));
            mapping.syncForDevice(0, 64, Direction.TO_DEVICE);
            assertThat(Machine.read(view, mapping, 0, 64)).isEqualTo(Machine.bytes(64, 4));
            machine.found();
            Machine.read(view, mapping, 64, 8);
            machine.found(Rule.MISSING_SYNC_FOR_DEVICE);
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    void whatIsDiscardedMovesNothing() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping file = machine.file(1);
            DmaBuf buffer = machine.guest("memory", file, 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
            byte[] cpus = Machine.bytes(PAGE, 2);
            Machine.store(file, 0, cpus);
            mapping.discard();
            assertThat(Machine.load(file, 0, PAGE)).isEqualTo(cpus);
            assertThat(buffer.counters().invalidateExecuted()).isZero();
            refused(Errno.EINVAL, mapping::discard);
            assertThat(machine.core().findings().all()).isEmpty();
            assertThat(device.liveMappings()).isZero();
            attachment.detach();
        }
    }
}
