package sluice.dmacore.rows;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.ownership.Direction;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/** The first example of the README, as it stands there: a display shows an old row, because one call is missing. */
@Tag("S41")
@Tag("S45")
class ForgottenSyncTest {
    private static final Path SELF = Path.of("src/test/java/sluice/dmacore/rows/ForgottenSyncTest.java");

    @Test
    void aForgottenSyncShowsAnOldRowAndIsNamed() throws IOException {
        FileMapping ram;
        try (Fd file = Memfd.create("guest", Memfd.ALLOW_SEALING)) {
            Memfd.resize(file, 1 << 20);
            ram = FileMappings.ofProcess().map(file);
        }
        // the example begins
        Findings findings = new Findings();
        ShadowCaches caches = new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy());
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withExecutor(caches), findings);
        DeviceFunction display = core.function("display", DeviceDmaParams.throughIommu());

        Runs pages = new Runs(); // scattered pages of a guest
        pages.add(ram, 0x5000, 4096);
        pages.add(ram, 0x2000, 4096);
        DmaBuf frame = core.export("frame", pages.bytes(), new GuestPages(pages));
        Attachment attachment = frame.attach(display, Stream.NON_COHERENT);
        DeviceMapping mapping = attachment.map(Direction.TO_DEVICE); // transfers all of it to the display

        mapping.syncForCpu(); // the CPU's turn
        ram.segment().asSlice(0x5400, 1024).fill((byte) 42); // it draws the second row ...
        // mapping.syncForDevice(); // ... and forgets to give it to the display

        byte[] row = new byte[1024];
        try (DeviceView view = DeviceView.open(display)) {
            view.read(mapping, 1024, MemorySegment.ofArray(row), 0, 1024);
        }
        // the example ends
        assertThat(row).as("an old row").containsOnly(0);
        assertThat(ram.segment().get(JAVA_BYTE, 0x5400)).isEqualTo((byte) 42);
        assertThat(findings.errors()).extracting(finding -> finding.rule())
                .containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
        assertThat(withoutPlace(findings.report())).as("the README shows this line")
                .isEqualTo(withoutPlace(String.join("\n", Readme.firstBlock("text"))));
        mapping.unmap();
        attachment.detach();
        frame.release();
        ram.release();
    }

    /** The line of the source is another after each change of it. */
    private static String withoutPlace(String line) {
        return line.replaceAll(" at [\\w.]+:\\d+\\)$", ")").replaceAll("\\s+", " ");
    }

    @Test
    void theExampleIsTheReadmes() throws IOException {
        List<String> source = Files.readAllLines(SELF).stream().map(String::strip).toList();
        List<String> example = source.subList(source.indexOf("// the example begins") + 1,
                source.indexOf("// the example ends"));
        assertThat(Readme.firstBlock("java")).extracting(String::strip).containsExactlyElementsOf(example);
    }
}
