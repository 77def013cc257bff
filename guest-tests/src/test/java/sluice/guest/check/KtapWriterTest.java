package sluice.guest.check;

import java.io.StringWriter;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KtapWriterTest {
    private static final Cell FIRST = new Cell(ReportSamples.DIRECT, Memory.MMAP, Use.SYNC);
    private static final Cell SECOND = new Cell(ReportSamples.DIRECT, Memory.UDMABUF, Use.SYNC);
    private static final Cell OTHER = new Cell(ReportSamples.BOUNCED, Memory.MMAP, Use.SYNC);

    private final StringWriter out = new StringWriter();
    private final KtapWriter ktap = new KtapWriter(out);

    private void begin() throws Exception {
        ktap.begin(Card.ALL.getFirst(), "7.2.12", "10.0.2", List.of(FIRST, SECOND, OTHER), CallSource.MODULE);
    }

    private static CellResult passed(Cell cell) {
        return ReportSamples.cell(cell.setup(), cell.memory(), Outcome.PASS, "", new Bytes(1, 0, 1, 12, 0, 0, 0),
                List.of(),
                List.of());
    }

    @Test
    void saysEveryOutcomeAsTheKernelsDocumentDoes() {
        List<KtapLines.Test> setups = KtapLines.read(ReportSamples.written(new KtapReport()));
        assertThat(setups).extracting(KtapLines.Test::ok).containsExactly(true, false, true);
        assertThat(setups).extracting(KtapLines.Test::directive).containsExactly("", "", "SKIP");
        assertThat(setups).extracting(KtapLines.Test::name).containsExactly("iommu-none.direct.coherent",
                "iommu-none.bounced.coherent", "iommu-intel-strict.direct.non-coherent");
        List<KtapLines.Test> cells = setups.stream().flatMap(setup -> setup.subtests().stream()).toList();
        assertThat(cells).extracting(KtapLines.Test::name).containsExactly("mmap.sync", "udmabuf.sync", "mmap.sync",
                "udmabuf.sync", "heap.sync");
        assertThat(cells).extracting(KtapLines.Test::ok).containsExactly(true, true, false, false, true);
        assertThat(cells).extracting(KtapLines.Test::directive).containsExactly("", "SKIP", "", "ERROR", "SKIP");
        assertThat(cells.get(4).text()).isEqualTo("no heap");
        assertThat(cells.get(3).text()).startsWith("inconclusive: Subtest: lost");
        assertThat(cells.get(2).diagnostics()).anyMatch(line -> line.startsWith("reason: bytes are wrong"))
                .contains("bytes: 2 of 8 buffers right, 1 failed; packets: 24 right, 10 old, 62 not written, 0 broken",
                        "rule: MISSING_SYNC_FOR_CPU (error): a device's writes are transferred back before any"
                                + " other access",
                        "range: 0x1000 to 0x1fff (4096 bytes)", "times: 3 times", "rule: RULE_OF_A_LATER_SLUICE (hint)")
                .anyMatch(line -> line.startsWith("device: vfg7350"))
                .anyMatch(line -> line.startsWith("buffer: dma_map_sg"));
    }

    @Test
    void givesTheTerminalNothingButText() {
        String ktap = ReportSamples.written(new KtapReport());
        assertThat(ktap.codePoints().filter(c -> c != '\n' && Character.getType(c) == Character.CONTROL)).isEmpty();
        assertThat(ktap.codePoints().filter(c -> Character.getType(c) == Character.FORMAT)).isEmpty();
        assertThat(ktap.lines()).allMatch(line -> line.length() < 5000);
    }

    @Test
    void tellsACellWhenItEnds() throws Exception {
        begin();
        ktap.progress("boots\nok 1 no");
        assertThat(out.toString()).endsWith("1..2\n# boots ok 1 no\n");
        ktap.cell(passed(FIRST));
        assertThat(out.toString()).endsWith("\n  ok 1 mmap.sync\n");
        ktap.cell(passed(SECOND));
        assertThat(out.toString()).endsWith("\n  ok 2 udmabuf.sync\nok 1 iommu-none.direct.coherent\n");
        ktap.cell(passed(OTHER));
        String all = out.toString();
        ktap.end();
        assertThat(out.toString()).isEqualTo(all);
        assertThat(KtapLines.read(all)).allMatch(KtapLines.Test::ok);
    }

    @Test
    void doesNotPassWhatDidNotCome() throws Exception {
        begin();
        ktap.cell(passed(SECOND));
        ktap.end();
        List<KtapLines.Test> setups = KtapLines.read(out.toString());
        assertThat(setups).noneMatch(KtapLines.Test::ok);
        assertThat(setups.stream().flatMap(setup -> setup.subtests().stream())).extracting(KtapLines.Test::directive)
                .containsExactly("ERROR", "", "ERROR");
    }

    @Test
    void rejectsACellThatIsNotDue() throws Exception {
        begin();
        ktap.cell(passed(SECOND));
        assertThatThrownBy(() -> ktap.cell(passed(FIRST))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(FIRST.name());
        ktap.cell(passed(OTHER));
        assertThatThrownBy(() -> ktap.cell(passed(OTHER))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void saysAnEmptyPlan() throws Exception {
        ktap.begin(Card.ALL.getFirst(), "7.2.12", "10.0.2", List.of(), CallSource.MODULE);
        ktap.end();
        assertThat(KtapLines.read(out.toString())).isEmpty();
    }
}
