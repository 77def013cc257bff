package sluice.guest.check;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.guest.GuestIommu;

/** A result with every outcome, in which all that a guest can write is hostile. */
final class ReportSamples {
    static final Setup DIRECT = new Setup(GuestIommu.NONE, false, true);
    static final Setup BOUNCED = new Setup(GuestIommu.NONE, true, true);
    static final Setup STRICT = new Setup(GuestIommu.INTEL_STRICT, false, false);

    /** What breaks HTML, XML, CDATA, JSON, a terminal and a line. */
    static final String HOSTILE = "<script>alert('x')</script> ]]> &amp; \" # ok 1 \u001b[2J\u0000\u0007\u009b31m\u202egnp"
            + "\ud800 \ufffe\uffff \u2028 \ud83d\ude00 \u00e4\u4e2d\u0627\r\nnot ok 9 forged\n<!-- ";

    private ReportSamples() {}

    static CheckResult everyOutcome() {
        Finding finding = new Finding("MISSING_SYNC_FOR_CPU", true, "vfg7350 " + HOSTILE, "dma_map_sg " + HOSTILE,
                0x1000, 4096, 3, HOSTILE, "dma_unmap_sg FROM_DEVICE " + HOSTILE,
                List.of("dma_unmap_sg_attrs+0x1/0x2", HOSTILE), List.of("driver_start+0x10/0x20 [driver]"));
        Finding unknown = new Finding("RULE_OF_A_LATER_SLUICE", false, "", "buffer", 0, 0, 1, "it is new");
        List<String> console = List.of(HOSTILE, "x".repeat(100_000), "\tindented", "");
        return new CheckResult(Card.ALL.getFirst(), "7.2.12 " + HOSTILE, "10.0.2", List.of(
                cell(DIRECT, Memory.MMAP, Outcome.PASS, "", new Bytes(8, 0, 8, 96, 0, 0, 0), List.of(), console),
                cell(DIRECT, Memory.UDMABUF, Outcome.SKIP, "no /dev/udmabuf: " + HOSTILE, null, List.of(), List.of()),
                cell(BOUNCED, Memory.MMAP, Outcome.FAIL, "bytes are wrong: " + HOSTILE,
                        new Bytes(8, 1, 2, 24, 10, 62, 0), List.of(finding, unknown), console).with(moments(), 7),
                cell(BOUNCED, Memory.UDMABUF, Outcome.INCONCLUSIVE, "Subtest: lost " + HOSTILE, null, List.of(),
                        Collections.nCopies(5000, "flood")),
                cell(STRICT, Memory.HEAP, Outcome.SKIP, "no heap", null, List.of(), List.of())),
                Duration.ofMillis(41_500));
    }

    /** A mapping, 30 accesses, and a call that breaks a rule. */
    private static List<Moment> moments() {
        List<Moment> moments = new ArrayList<>();
        moments.add(new Moment(8, 50, "CALL", "vfg7350", "dma_map_sg", "dma_map_sg 0x1000", 0, 12_288, 3, "FROM_DEVICE",
                "", List.of("driver_start+0x10/0x20 [driver]", HOSTILE), ""));
        for (int i = 0; i < 30; i++)
            moments.add(new Moment(9 + i, 60 + i, "WRITE", "vfg7350", "", "", 64L * i, 64, 1, "", "", List.of(), ""));
        moments.add(new Moment(39, 1234, "CALL", "vfg7350", "dma_unmap_sg", "dma_map_sg 0x1000", 0, 12_288, 3,
                "FROM_DEVICE", "SKIP_CPU_SYNC", List.of(), "MISSING_SYNC_FOR_CPU"));
        return moments;
    }

    static CellResult cell(Setup setup, Memory memory, Outcome outcome, String reason,
            @Nullable Bytes bytes, List<Finding> findings, List<String> console) {
        return new CellResult(new Cell(setup, memory, Use.SYNC), outcome, reason, bytes, findings, console,
                Duration.ofMillis(1250));
    }

    static String written(ReportFormat format) {
        return written(format, everyOutcome());
    }

    static String written(ReportFormat format, CheckResult result) {
        StringWriter out = new StringWriter();
        try {
            format.write(result, out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString();
    }
}
