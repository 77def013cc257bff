package sluice.guest.check;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.finding.Rule;
import sluice.guest.Configurations;
import sluice.guest.GuestImage;
import sluice.guest.GuestKernel;
import sluice.guest.TestGpus;
import sluice.guest.TestQemu;
import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;

/** A stock kernel without a module: its tracing tells what its drivers call, and what is lost is no verdict. */
@Tag("guest")
@Tag("matrix")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class TracedGuestTest {
    private static final CacheFolder CACHE = CacheFolder.ofUser();
    private static final Card CARD = Card.ALL.getFirst();

    @TempDir
    private Path folder;

    static List<String> kernels() {
        return Configurations.of(List.of("newest"), List.of("newest", "current"));
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void theFaultIsInTheTrace(String kernel) throws Exception {
        Path script = Files.writeString(folder.resolve("noise"),
                "#!/bin/sh\nhead -c 20000 /dev/urandom >/dev/ttyS1\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        TestProgram program = TestProgram.of(script);
        Additions additions = new Additions(List.of(), program, null, CallSource.TRACE);
        List<Cell> cells = new ArrayList<>(Matrix.of(List.of(Matrix.BOUNCED),
                List.of(Memory.MMAP, Memory.UDMABUF, Memory.HEAP), List.of(Use.SYNC)));
        cells.addAll(Matrix.of(List.of(Matrix.BOUNCED), program));
        GuestImage image = CheckMachine.image(CARD, GuestKernel.named(kernel, CACHE), additions, CACHE);
        CheckRun run = new CheckRun(TestGpus.launcher(), TestQemu.QEMU_11.binary(), image, CARD, CACHE,
                new Judge(KnownFaults.shipped().of(CARD))).with(additions);
        CheckResult result = run.run(cells, cell -> System.out.println(cell.outcome() + " " + cell.reason()));

        assertThat(named(result, "mmap.sync").outcome()).isEqualTo(Outcome.PASS);
        assertThat(named(result, "heap.sync").outcome()).isEqualTo(Outcome.PASS);
        CellResult fault = named(result, "udmabuf.sync");
        assertThat(fault.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(fault.reason()).startsWith(KnownFaults.KNOWN);
        assertThat(fault.timeline().lines()).anyMatch(line -> line instanceof Timeline.Event event
                && event.moment().call().equals("DMA_BUF_IOCTL_SYNC"));
        // Linux 6.12 unmaps without the attribute, and later than the program has read.
        if (kernel.equals("newest")) {
            assertThat(fault.findings()).anyMatch(finding -> finding.rule().equals(Rule.BOUNCE_NOT_COPIED_BACK.name())
                    && !finding.error() && finding.site().equals("dma_unmap_sg FROM_DEVICE SKIP_CPU_SYNC")
                    && finding.chain().stream().anyMatch(function -> function.startsWith("vb2_dma_sg_unmap_dmabuf"))
                    && finding.mapped().stream().anyMatch(function -> function.startsWith("vb2_dma_sg_map_dmabuf")));
        } else {
            assertThat(fault.findings()).extracting(Finding::rule).contains(Rule.D7_UNMAP_DIRECTION.name());
        }
        assertThat(named(result, "noise").outcome()).as("lines that are none").isEqualTo(Outcome.INCONCLUSIVE);
        assertThat(result.exitStatus()).isEqualTo(1);
        assertThat(result.calls()).isEqualTo(CallSource.TRACE);
    }

    private static CellResult named(CheckResult result, String what) {
        return result.cells().stream().filter(cell -> cell.cell().what().equals(what)).findFirst().orElseThrow();
    }
}
