package sluice.dmacore.buffer;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.ConfinedFile;
import sluice.dmacore.memory.FileMapping;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;
import static sluice.dmacore.buffer.ScriptedExporter.run;

/** What exporters give is looked at before any device is. */
class ExportedMemoryTest {
    @Test
    @Tag("D10")
    void memoryOfOneThreadsOwnIsNotExported() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping own = ConfinedFile.of(2 * PAGE);
            ScriptedExporter exporter = ScriptedExporter.of(run(own, PAGE, PAGE));
            refused(Errno.EFAULT, () -> machine.core().export("stack", PAGE, exporter), "confined to one thread");
            assertThat(exporter.freed).hasValue(1);
            machine.found(Rule.D10_CONFINED_MEMORY);
            own.release();
        }
    }

    @Test
    @Tag("D12")
    @Tag("M18")
    @Tag("M20")
    void runsOutsideOfTheirFileAreNotExported() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping file = machine.file(4);
            refused(Errno.EFAULT, () -> machine.core().export("behind", PAGE, ScriptedExporter.of(run(file, 4 * PAGE,
                    PAGE))), "4096 bytes at 0x4000");
            refused(Errno.EFAULT,
                    () -> machine.core().export("one byte", PAGE, ScriptedExporter.of(run(file, 3 * PAGE + 1,
                            PAGE))),
                    "at 0x3001");
            refused(Errno.EFAULT,
                    () -> machine.core().export("before", PAGE, ScriptedExporter.of(run(file, -1, PAGE))));
            refused(Errno.EFAULT, () -> machine.core().export("far", PAGE, ScriptedExporter.of(run(file,
                    Long.MAX_VALUE - 10, PAGE))));
            DmaBuf last = machine.released(machine.core().export("last", PAGE, ScriptedExporter.of(run(file, 3 * PAGE,
                    PAGE))));
            assertThat(last.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            machine.found(Rule.D12_NO_SUCH_MEMORY, Rule.D12_NO_SUCH_MEMORY, Rule.D12_NO_SUCH_MEMORY,
                    Rule.D12_NO_SUCH_MEMORY);
        }
    }

    @Test
    void anotherSizeIsRefusedAndGivenBack() throws IOException {
        try (Machine machine = Machine.counting()) {
            ScriptedExporter exporter = ScriptedExporter.of(run(machine.file(4), 0, 2 * PAGE));
            refused(Errno.EINVAL, () -> machine.core().export("frame", PAGE, exporter),
                    "8192 bytes for a buffer of 4096");
            assertThat(exporter.freed).hasValue(1);
        }
    }

    @Test
    void aMoveToMemoryThatIsNotThereLeavesTheBufferWhereItIs() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping file = machine.file(2);
            Machine.store(file, 0, Machine.bytes(PAGE, 1));
            ScriptedExporter exporter = ScriptedExporter.of(run(file, 0, PAGE), run(file, 2 * PAGE, PAGE), run(file,
                    PAGE, PAGE / 2), run(file, PAGE, PAGE));
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE, exporter));
            refused(Errno.EFAULT, buffer::move, "at 0x2000");
            refused(Errno.EINVAL, buffer::move, "2048 bytes");
            assertThat(exporter.freed).hasValue(2);
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ALLOCATED);
            Attachment attachment = buffer.attach(machine.device("device"), Stream.COHERENT);
            attachment.detach();
            buffer.move();
            assertThat(Machine.load(file, PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            assertThat(exporter.freed).as("the old place").hasValue(3);
            machine.found(Rule.D12_NO_SUCH_MEMORY);
        }
    }
}
