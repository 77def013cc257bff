package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.List;

import org.jspecify.annotations.Nullable;
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
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;
import static sluice.dmacore.buffer.ScriptedExporter.run;

/** Exporters that put something of their own between a device and the memory, as a tiler is. */
class TranslatorTest {
    private static final int ROWS = 4;

    /** The last row first; a row is a page. */
    private static Runs mirrored(Runs memory) {
        Runs seen = new Runs();
        for (long row = memory.bytes() / PAGE - 1; row >= 0; row--) {
            int in = memory.runAt(row * PAGE);
            seen.add(memory.mapping(in), memory.offset(in) + row * PAGE - memory.start(in), PAGE);
        }
        return seen;
    }

    private static byte[] row(int row) {
        return Machine.bytes(PAGE, 100 + row);
    }

    private static void fill(FileMapping file, int firstRow) {
        for (int row = 0; row < ROWS; row++) Machine.store(file, (long) (firstRow + row) * PAGE, row(row));
    }

    @Test
    @Tag("S9")
    void aDeviceSeesThePictureAsTheExporterTurnsIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping file = machine.file(ROWS);
            fill(file, 0);
            ScriptedExporter tiler = new ScriptedExporter(false, TranslatorTest::mirrored,
                    List.of(run(file, 0, ROWS * PAGE)));
            DmaBuf picture = machine.released(machine.core().export("picture", ROWS * PAGE, tiler));
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = picture.attach(display, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            assertThat(mapping.segments().count()).isEqualTo(1);
            for (int row = 0; row < ROWS; row++)
                assertThat(Machine.read(view, mapping, (long) row * PAGE, PAGE)).isEqualTo(row(ROWS - 1 - row));
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
            assertThat(Machine.load(file, (ROWS - 1) * PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            try (Opener cpu = picture.open("cpu"); CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                byte[] last = new byte[PAGE];
                access.read((ROWS - 1) * PAGE, last, 0, PAGE);
                assertThat(last).as("the CPU sees the memory itself").isEqualTo(Machine.bytes(PAGE, 1));
            }
            mapping.unmap();
            assertThat(tiler.freed).as("the view went with its mapping").hasValue(1);
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S9")
    @Tag("S12")
    void afterAMoveTheOldListIsNoUseAndTheNewOneIsTurnedToo() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping file = machine.file(2 * ROWS);
            fill(file, 0);
            ScriptedExporter tiler = new ScriptedExporter(false, TranslatorTest::mirrored,
                    List.of(run(file, 0, ROWS * PAGE), run(file, ROWS * PAGE, ROWS * PAGE)));
            DmaBuf picture = machine.released(machine.core().export("picture", ROWS * PAGE, tiler));
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = picture.attach(display, Stream.COHERENT);
            DeviceMapping before = attachment.map(Direction.TO_DEVICE);
            before.unmap();
            picture.move();
            Machine.store(file, 0, new byte[ROWS * PAGE]);
            DeviceMapping after = attachment.map(Direction.TO_DEVICE);
            assertThat(Machine.read(view, after, 0, PAGE)).isEqualTo(row(ROWS - 1));
            assertThat(view.read(before, 0, MemorySegment.ofArray(new byte[8]), 0, 8)).isEqualTo(Outcome.FAULT);
            refused(Errno.EINVAL, before::syncForDevice, "synced after the unmap");
            after.unmap();
            attachment.detach();
            machine.found(Rule.DEVICE_AFTER_UNMAP, Rule.D19_SYNC_NOT_MAPPED);
        }
    }

    /** Rows lie elsewhere in the memory than in the view: what is synced, and what the device touches, is what is behind it. */
    @Test
    @Tag("S9")
    @Tag("S29")
    void theLinesBehindTheViewAreThoseThatAreSyncedAndTouched() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping file = machine.file(ROWS);
            fill(file, 0);
            DmaBuf picture = machine.released(machine.core().export("picture", ROWS * PAGE,
                    new ScriptedExporter(false, TranslatorTest::mirrored, List.of(run(file, 0, ROWS * PAGE)))));
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            Attachment attachment = picture.attach(display, Stream.NON_COHERENT);
            assertThat(attachment.testMap()).isEqualTo(Verdict.FITS);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            for (int row = 0; row < ROWS; row++)
                assertThat(Machine.read(view, mapping, (long) row * PAGE, PAGE)).isEqualTo(row(ROWS - 1 - row));

            mapping.syncForCpu(0, PAGE, Direction.BIDIRECTIONAL);
            Machine.store(file, (ROWS - 1) * PAGE, Machine.bytes(PAGE, 1));
            assertThat(Machine.read(view, mapping, PAGE, PAGE)).as("still the device's").isEqualTo(row(ROWS - 2));
            machine.found();
            assertThat(Machine.read(view, mapping, 0, PAGE)).as("stale").isEqualTo(row(ROWS - 1));
            machine.found(Rule.MISSING_SYNC_FOR_DEVICE);
            machine.core().findings().clear();
            mapping.syncForDevice(0, PAGE, Direction.BIDIRECTIONAL);
            assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));

            Machine.write(view, mapping, PAGE, Machine.bytes(PAGE, 2));
            assertThat(Machine.load(file, (ROWS - 2) * PAGE, PAGE)).as("not fetched").isEqualTo(row(ROWS - 2));
            try (Opener cpu = picture.open("cpu");
                    CpuAccess access = cpu.begin((ROWS - 2) * PAGE, PAGE, Direction.BIDIRECTIONAL)) {
                byte[] bytes = new byte[PAGE];
                access.read((ROWS - 2) * PAGE, bytes, 0, PAGE);
                assertThat(bytes).as("the CPU's order").isEqualTo(Machine.bytes(PAGE, 2));
                access.write((ROWS - 2) * PAGE, Machine.bytes(PAGE, 3), 0, PAGE);
            }
            assertThat(Machine.read(view, mapping, PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 3));
            assertThat(picture.counters().transfers()).isEqualTo(3);
            mapping.unmap();
            assertThat(picture.counters().transfers()).as("also of views that are gone").isEqualTo(4);
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S9")
    @Tag("S37")
    void aCopyIsOneOfTheViewAndComesBackThroughIt() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping file = machine.file(ROWS);
            fill(file, 0);
            DmaBuf picture = machine.released(machine.core().export("picture", ROWS * PAGE,
                    new ScriptedExporter(false, TranslatorTest::mirrored, List.of(run(file, 0, ROWS * PAGE)))));
            DeviceFunction scattered = machine.core().function("scan-out", DeviceDmaParams.physicallyContiguous());
            DeviceView view = machine.view(scattered);
            Attachment attachment = picture.attachBouncing(scattered, Stream.NON_COHERENT);
            assertThat(attachment.testMap().fits()).as("of the view").isFalse();
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.ALLOW_BOUNCE));
            assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(row(ROWS - 1));
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
            mapping.unmap();
            assertThat(Machine.load(file, (ROWS - 1) * PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            assertThat(Machine.load(file, 0, PAGE)).isEqualTo(row(0));
            attachment.detach();
            machine.found(Rule.BOUNCED);
        }
    }

    @Test
    @Tag("S9")
    void aTranslatorThatHasNoRoomSaysSo() throws IOException {
        try (Machine machine = Machine.counting()) {
            Exporter full = new Exporter() {
                @Override
                public String name() {
                    return "full";
                }

                @Override
                public CpuWriters cpuWriters() {
                    return CpuWriters.UNSEEN;
                }

                @Override
                public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
                    throw new DmaBufException(Errno.ENOMEM, "asked for memory that was given");
                }

                @Override
                public BufferMemory translate(DeviceFunction function, BufferMemory memory) throws DmaBufException {
                    throw new DmaBufException(Errno.ENOMEM, "no free rectangle for " + function.name());
                }
            };
            Exporter pages = new BracketedPages(Machine.runs(machine.file(1), 0));
            DmaBuf picture = machine.released(machine.core().export("picture", PAGE, new TwoExporters(pages, full)));
            Attachment attachment = picture.attach(machine.device("display"), Stream.COHERENT);
            assertThat(attachment.testMap().toString())
                    .contains("the exporter refuses it: no free rectangle for display");
            refused(Errno.ENOMEM, () -> attachment.map(Direction.TO_DEVICE), "no free rectangle for display");
            assertThat(attachment.function().liveMappings()).isZero();
            attachment.detach();
            machine.found();
        }
    }

    /** The memory of one, and the views of another. */
    private record TwoExporters(Exporter memory, Exporter views) implements Exporter {
        @Override
        public String name() {
            return memory.name();
        }

        @Override
        public CpuWriters cpuWriters() {
            return memory.cpuWriters();
        }

        @Override
        public BufferMemory allocate(AllocationRequest request) throws DmaBufException {
            return memory.allocate(request);
        }

        @Override
        public @Nullable BufferMemory translate(DeviceFunction function, BufferMemory seen) throws DmaBufException {
            return views.translate(function, seen);
        }
    }

    @Test
    void aViewIsGivenBackWhenTheMappingFails() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping file = machine.file(ROWS);
            ScriptedExporter half = new ScriptedExporter(false, memory -> {
                Runs seen = new Runs();
                seen.add(memory.mapping(0), 0, PAGE);
                return seen;
            }, List.of(run(file, 0, ROWS * PAGE)));
            DmaBuf picture = machine.released(machine.core().export("picture", ROWS * PAGE, half));
            Attachment attachment = picture.attach(machine.device("display"), Stream.COHERENT);
            refused(Errno.EINVAL, () -> attachment.map(Direction.TO_DEVICE), "4096 bytes for a buffer of 16384");
            assertThat(half.freed).hasValue(1);
            attachment.detach();

            ScriptedExporter tiler = new ScriptedExporter(false, TranslatorTest::mirrored,
                    List.of(run(file, 0, ROWS * PAGE)));
            DmaBuf other = machine.released(machine.core().export("other", ROWS * PAGE, tiler));
            // Its addresses are those of the second MiB, and it wants multiples of 2 MiB.
            DeviceFunction narrow = machine.core().function("narrow",
                    DeviceDmaParams.throughIommu().withDmaMask((1 << 21) - 1).withMinAlignMask((1 << 21) - 1));
            Attachment late = other.attach(narrow, Stream.COHERENT);
            refused(Errno.ENOMEM, () -> late.map(Direction.TO_DEVICE), "no addresses");
            assertThat(tiler.freed).hasValue(1);
            late.detach();
        }
    }
}
