package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import javax.xml.stream.XMLStreamException;

import org.jspecify.annotations.Nullable;

import sluice.guest.GuestIommu;

/**
 * An HTML page: the verdict, a table of all cells, each failure, then skipped and passed cells. Without network access
 * and scripts, and well-formed XML as well.
 */
final class HtmlReport implements ReportFormat {
    /** Its file name in {@code --report}. */
    static final String FILE = "report.html";

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm xxx", Locale.ROOT);

    private final ZonedDateTime date;

    /**
     * A page.
     *
     * @param date of the run, with the time zone to display
     */
    HtmlReport(ZonedDateTime date) {
        this.date = date;
    }

    @Override
    public void write(CheckResult result, Writer out) throws IOException {
        String title = "sluice check: %s on %s".formatted(result.card().driver(), result.kernel());
        Markup.write(out, html -> {
            html.doctype();
            html.element("html", () -> {
                html.element("head", () -> head(html, title));
                html.element("body", () -> body(html, result));
            }, "xmlns", "http://www.w3.org/1999/xhtml", "lang", "en");
        });
    }

    private static void head(Markup html, String title) throws XMLStreamException {
        html.empty("meta", "charset", "utf-8");
        html.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        html.empty("meta", "http-equiv", "Content-Security-Policy", "content",
                "default-src 'none'; style-src 'unsafe-inline'");
        html.text("title", title);
        html.element("style", () -> html.verbatim(HtmlStyle.CSS));
    }

    private void body(Markup html, CheckResult result) throws XMLStreamException {
        html.text("h1", "Import paths of the driver " + result.card().driver());
        html.element("dl", () -> {
            about(html, "Card", result.card().device());
            about(html, "Kernel", result.kernel());
            about(html, "QEMU", result.qemu());
            about(html, "Date", DATE.format(date));
            about(html, "Run time", HtmlCell.duration(result.time()));
        }, "class", "about");
        verdict(html, result);
        html.text("h2", "Verdicts");
        html.element("div", () -> table(html, result), "class", "scroll");
        unseen(html, result.calls());
        HtmlCell cells = new HtmlCell(html);
        section(html, result, "Failed", Outcome.FAIL, cells::full);
        section(html, result, "Inconclusive", Outcome.INCONCLUSIVE, cells::full);
        section(html, result, "Skipped", Outcome.SKIP, cells::skipped);
        section(html, result, "Passed", Outcome.PASS, cells::folded);
    }

    private static void about(Markup html, String term, String text) throws XMLStreamException {
        html.element("div", () -> {
            html.text("dt", term);
            html.text("dd", text);
        });
    }

    private static void unseen(Markup html, CallSource calls) throws XMLStreamException {
        if (calls.unseen().isEmpty()) return;
        html.element("section", () -> {
            html.text("h2", "What was not seen");
            html.text("p",
                    "The kernel's calls were told by its tracing, and not by the witness's module. So this is not in the report:");
            html.element("ul", () -> {
                for (String one : calls.unseen()) html.text("li", one);
            });
        });
    }

    private static void verdict(Markup html, CheckResult result) throws XMLStreamException {
        Outcome outcome = result.count(Outcome.FAIL) > 0
                ? Outcome.FAIL
                : result.count(Outcome.INCONCLUSIVE) > 0
                        ? Outcome.INCONCLUSIVE
                        : result.count(Outcome.PASS) > 0 ? Outcome.PASS : Outcome.SKIP;
        List<String> parts = new ArrayList<>();
        for (Outcome one : List.of(Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.SKIP)) {
            long count = result.count(one);
            if (count == 0) continue;
            parts.add(count + " " + switch (one) {
                case FAIL -> "failed";
                case INCONCLUSIVE -> "inconclusive";
                case PASS -> "passed";
                case SKIP -> "skipped";
            });
        }
        String of = result.cells().isEmpty() ? "nothing was run" : String.join(", ", parts);
        html.element("p", () -> {
            html.text("span", HtmlCell.mark(outcome), "class", "mark");
            html.gap(" ");
            html.text("%s: %s".formatted(outcome.name(), of));
        }, "class", "verdict " + HtmlCell.style(outcome));
    }

    /** A row of the table. */
    private record Row(Memory memory, Use use, @Nullable String program) {}

    private static void table(Markup html, CheckResult result) throws XMLStreamException {
        Set<Setup> setups = new LinkedHashSet<>();
        Map<Row, Map<Setup, CellResult>> rows = new LinkedHashMap<>();
        for (CellResult each : result.cells()) {
            Cell cell = each.cell();
            setups.add(cell.setup());
            rows.computeIfAbsent(new Row(cell.memory(), cell.use(), cell.program()), none -> new LinkedHashMap<>()).put(
                    cell.setup(),
                    each);
        }
        html.element("table", () -> {
            html.element("thead", () -> html.element("tr", () -> {
                html.text("th", "Buffers", "scope", "col");
                for (Setup setup : setups) column(html, setup);
            }));
            html.element("tbody", () -> {
                for (Map.Entry<Row, Map<Setup, CellResult>> row : rows.entrySet()) {
                    html.element("tr", () -> {
                        row(html, row.getKey());
                        for (Setup setup : setups) entry(html, row.getValue(), setup);
                    });
                    html.gap("\n");
                }
            });
        }, "class", "verdicts");
    }

    private static void column(Markup html, Setup setup) throws XMLStreamException {
        html.element("th", () -> {
            html.text(setup.iommu() == GuestIommu.NONE ? "no IOMMU" : "IOMMU " + setup.iommu().label());
            html.text("span", setup.bounces() ? "all DMA bounced" : "direct DMA");
            html.text("span", setup.snoops() ? "card snoops" : "card does not snoop");
        }, "scope", "col");
    }

    private static void row(Markup html, Row row) throws XMLStreamException {
        html.element("th", () -> {
            if (row.program() != null) {
                html.text(row.program());
                html.text("span", "a program of the user's");
                return;
            }
            html.text(row.memory().label() + " " + row.use().label());
            html.text("span", row.use() == Use.SYNC ? row.memory().help() : row.use().help());
        }, "scope", "row");
    }

    private static void entry(Markup html, Map<Setup, CellResult> row, Setup setup) throws XMLStreamException {
        CellResult result = row.get(setup);
        if (result == null) {
            html.element("td", () -> html.text("i", "not tried"), "class", "skip");
            return;
        }
        html.element("td", () -> html.element("a", () -> {
            html.text("span", HtmlCell.mark(result.outcome()), "class", "mark");
            html.text(HtmlCell.word(result.outcome()));
        }, "href", "#" + result.cell().name()), "class", HtmlCell.style(result.outcome()));
    }

    /** Writes a cell. */
    private interface CellForm {
        void write(CellResult result) throws XMLStreamException;
    }

    private static void section(Markup html, CheckResult result, String title, Outcome outcome, CellForm form)
            throws XMLStreamException {
        List<CellResult> cells = result.cells().stream().filter(cell -> cell.outcome() == outcome).toList();
        if (cells.isEmpty()) return;
        html.element("section", () -> {
            html.text("h2", title);
            for (CellResult cell : cells) {
                form.write(cell);
                html.gap("\n");
            }
        });
    }
}
