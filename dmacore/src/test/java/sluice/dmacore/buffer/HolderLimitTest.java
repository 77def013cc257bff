package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** How many attachments may share a line, and that one more changes nothing. */
@Tag("D18")
class HolderLimitTest {
    @Test
    void sixtyFourAttachmentsOfOneLineAreTheLimit() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            DeviceFunction gpu = machine.device("gpu");
            List<Attachment> attachments = new ArrayList<>();
            for (int i = 0; i < 64; i++) attachments.add(buffer.attach(gpu, Stream.COHERENT));
            refused(Errno.ENOMEM, () -> buffer.attach(gpu, Stream.COHERENT), "looks like a leak");
            attachments.forEach(Attachment::detach);
            machine.found(Rule.D18_TOO_MANY_OVERLAPS);
        }
    }

    @Test
    void theSixtyFifthIsRefusedAlsoBeforeThereIsMemory() throws IOException {
        try (Machine machine = Machine.modelled()) {
            MemoryPool pool = machine.pool(8, true);
            DmaBuf buffer = machine.own("late", pool, 2 * PAGE);
            DeviceFunction gpu = machine.device("gpu");
            List<Attachment> attachments = new ArrayList<>();
            for (int i = 0; i < 64; i++) attachments.add(buffer.attach(gpu, Stream.NON_COHERENT));
            refused(Errno.ENOMEM, () -> buffer.attach(gpu, Stream.NON_COHERENT), "looks like a leak");
            assertThat(buffer.attachments()).hasSize(64);
            attachments.getFirst().map(Direction.TO_DEVICE).unmap();
            attachments.forEach(Attachment::detach);
            machine.found(Rule.MAPPED_AT_IMPORT, Rule.D18_TOO_MANY_OVERLAPS);
        }
    }

    /** Only when it is allocated does it turn out whose lines it shares. */
    @Test
    void memoryThatTooManyShareIsGivenBack() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf crowded = machine.guest("crowded", ram, 0);
            DeviceFunction gpu = machine.device("gpu");
            List<Attachment> others = new ArrayList<>();
            for (int i = 0; i < 63; i++) others.add(crowded.attach(gpu, Stream.NON_COHERENT));
            ScriptedExporter exporter = new ScriptedExporter(true, _ -> null, List.of(
                    ScriptedExporter.run(ram, 0, PAGE),
                    ScriptedExporter.run(ram, PAGE, PAGE),
                    ScriptedExporter.run(ram, 0, PAGE)));
            DmaBuf buffer = machine.released(machine.core().export("late", PAGE, exporter));
            Attachment first = buffer.attach(gpu, Stream.NON_COHERENT);
            Attachment second = buffer.attach(gpu, Stream.NON_COHERENT);
            refused(Errno.ENOMEM, () -> first.map(Direction.TO_DEVICE), "looks like a leak");
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.ABSTRACT);
            assertThat(exporter.freed).hasValue(1);
            others.add(crowded.attach(gpu, Stream.NON_COHERENT));

            first.map(Direction.TO_DEVICE).unmap();
            second.map(Direction.TO_DEVICE).unmap();
            refused(Errno.ENOMEM, buffer::move, "looks like a leak");
            assertThat(exporter.freed).hasValue(2);
            first.map(Direction.TO_DEVICE).unmap();
            first.detach();
            second.detach();
            others.forEach(Attachment::detach);
            assertThat(machine.core().findings().errors()).extracting(finding -> finding.rule())
                    .containsOnly(Rule.D18_TOO_MANY_OVERLAPS);
        }
    }
}
