package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.Collectors;

import javax.xml.stream.XMLStreamException;

/**
 * JUnit XML for CI systems: a setup is a test suite, a cell a test case. A failed cell has a {@code failure}, an
 * inconclusive one an {@code error}. The console of a guest is the {@code system-out} of its cell.
 */
final class JunitReport implements ReportFormat {
    @Override
    public void write(CheckResult result, Writer out) throws IOException {
        Map<Setup, List<CellResult>> suites = result.cells().stream()
                .collect(Collectors.groupingBy(cell -> cell.cell().setup(), LinkedHashMap::new, Collectors.toList()));
        Markup.write(out, xml -> {
            xml.declaration();
            xml.element("testsuites", () -> {
                for (Map.Entry<Setup, List<CellResult>> suite : suites.entrySet()) {
                    suite(xml, result, suite.getKey(), suite.getValue());
                }
            }, counts("sluice check " + result.card().driver(), result.cells(), result.time()));
        });
    }

    private static void suite(Markup xml, CheckResult result, Setup setup, List<CellResult> cells)
            throws XMLStreamException {
        Duration time = cells.stream().map(CellResult::time).reduce(Duration.ZERO, Duration::plus);
        xml.element("testsuite", () -> {
            xml.element("properties", () -> {
                xml.empty("property", "name", "driver", "value", result.card().driver());
                xml.empty("property", "name", "device", "value", result.card().device());
                xml.empty("property", "name", "kernel", "value", result.kernel());
                xml.empty("property", "name", "qemu", "value", result.qemu());
                xml.empty("property", "name", "witness", "value", result.calls().label());
                for (String unseen : result.calls().unseen())
                    xml.empty("property", "name", "not seen", "value", unseen);
            });
            for (CellResult cell : cells) testCase(xml, result.card(), cell);
        }, counts(setup.label(), cells, time));
    }

    private static void testCase(Markup xml, Card card, CellResult result) throws XMLStreamException {
        Cell cell = result.cell();
        xml.element("testcase", () -> {
            switch (result.outcome()) {
                case PASS -> {
                }
                case SKIP -> xml.empty("skipped", "message", result.reason());
                case FAIL -> problem(xml, "failure", type(result), result);
                case INCONCLUSIVE -> problem(xml, "error", "inconclusive", result);
            }
            if (!result.console().isEmpty()) {
                xml.element("system-out",
                        () -> xml.verbatim(String.join("\n", Legible.console(result.console())) + "\n"));
            }
        }, "classname", card.driver() + "." + cell.setup().label(), "name",
                cell.what(), "time", KtapWriter.seconds(result.time()));
    }

    private static void problem(Markup xml, String element, String type, CellResult result) throws XMLStreamException {
        xml.element(element, () -> xml.verbatim(details(result)), "message", result.reason(), "type", type);
    }

    /** The violated rule, by which CI systems group. */
    private static String type(CellResult result) {
        return result.findings().stream().filter(Finding::error).map(Finding::rule).findFirst().orElse("wrong bytes");
    }

    private static String details(CellResult result) {
        StringJoiner lines = new StringJoiner("\n", "\n", "\n");
        lines.add(Legible.line(result.cell().title()));
        lines.add(Legible.line(result.reason()));
        Bytes bytes = result.bytes();
        if (bytes != null) {
            lines.add(bytes.sentence());
            for (Difference difference : bytes.differences()) lines.add("  " + difference.sentence());
        }
        for (Finding finding : result.findings()) {
            FindingText text = FindingText.of(finding);
            lines.add(Legible.line("%s %s: %s".formatted(text.severity(), text.rule(), finding.what())));
            if (!text.says().isEmpty()) lines.add("  rule: %s (%s)".formatted(text.says(), text.source()));
            if (!finding.device().isEmpty()) lines.add("  device: " + Legible.line(finding.device()));
            lines.add("  buffer: " + Legible.line(finding.buffer()));
            if (!finding.site().isEmpty()) lines.add("  site: " + Legible.line(finding.site()));
            if (!finding.chain().isEmpty()) lines.add("  chain: " + Legible.line(CallChain.line(finding.chain())));
            if (!finding.mapped().isEmpty())
                lines.add("  mapped: " + Legible.line(CallChain.line(finding.mapped())));
            if (!text.range().isEmpty()) lines.add("  range: " + text.range());
            lines.add("  times: " + text.times());
        }
        return lines.toString();
    }

    private static String[] counts(String name, List<CellResult> cells, Duration time) {
        return new String[]{ "name", name, "tests", Integer.toString(cells.size()), "failures",
                count(cells, Outcome.FAIL), "errors", count(cells, Outcome.INCONCLUSIVE), "skipped",
                count(cells, Outcome.SKIP), "time", KtapWriter.seconds(time) };
    }

    private static String count(List<CellResult> cells, Outcome outcome) {
        return Long.toString(cells.stream().filter(cell -> cell.outcome() == outcome).count());
    }
}
