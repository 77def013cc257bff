package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import javax.xml.stream.XMLStreamException;

/** A page with two kernels side by side: one row per cell, differences first, with links to the kernels' own pages. */
final class ComparisonReport {
    /** Its file name in the report folder. */
    static final String FILE = "against.html";
    /** Folders of the kernels' own reports. */
    static final List<String> FOLDERS = List.of("first", "other");

    private final Comparison comparison;

    ComparisonReport(Comparison comparison) {
        this.comparison = comparison;
    }

    /** Writes the page and flushes it. */
    void write(Writer out) throws IOException {
        String title = "sluice check: %s and %s".formatted(comparison.first().kernel(), comparison.other().kernel());
        Markup.write(out, html -> {
            html.doctype();
            html.element("html", () -> {
                html.element("head", () -> {
                    html.empty("meta", "charset", "utf-8");
                    html.text("title", title);
                    html.element("style", () -> html.verbatim(HtmlStyle.CSS));
                });
                html.element("body", () -> body(html));
            }, "xmlns", "http://www.w3.org/1999/xhtml", "lang", "en");
        });
    }

    private void body(Markup html) throws XMLStreamException {
        List<Comparison.Difference> differences = comparison.differences();
        html.text("h1", "Linux %s and %s".formatted(comparison.first().kernel(), comparison.other().kernel()));
        html.text("p", differences.isEmpty()
                ? "No cell differs."
                : "%d of %d cells differ.".formatted(differences.size(), comparison.first().cells().size()), "class",
                "verdict " + (differences.isEmpty() ? "pass" : "fail"));
        html.text("h2", "What differs");
        table(html, differences);
        Set<CellResult> differing = differences.stream().map(Comparison.Difference::ours).collect(Collectors.toSet());
        html.text("h2", "The same on both");
        table(html, comparison.first().cells().stream().filter(result -> !differing.contains(result))
                .map(result -> new Comparison.Difference(result, theirs(result.cell()))).toList());
    }

    private CellResult theirs(Cell cell) {
        return comparison.other().cells().stream().filter(result -> result.cell().equals(cell)).findFirst()
                .orElseThrow();
    }

    private void table(Markup html, List<Comparison.Difference> rows) throws XMLStreamException {
        html.element("table", () -> {
            html.element("thead", () -> html.element("tr", () -> {
                for (String head : List.of("Cell", comparison.first().kernel(), comparison.other().kernel()))
                    html.text("th", head, "scope", "col");
            }));
            html.element("tbody", () -> {
                for (Comparison.Difference row : rows) {
                    html.element("tr", () -> {
                        html.text("th", row.ours().cell().name(), "scope", "row");
                        side(html, FOLDERS.getFirst(), row.ours());
                        side(html, FOLDERS.getLast(), row.theirs());
                    });
                    html.gap("\n");
                }
            });
        });
    }

    private static void side(Markup html, String folder, CellResult result) throws XMLStreamException {
        html.element("td", () -> {
            html.element("a", () -> {
                html.text("span", HtmlCell.mark(result.outcome()), "class", "mark");
                html.text(HtmlCell.word(result.outcome()));
            }, "href", "%s/%s#%s".formatted(folder, HtmlReport.FILE, result.cell().name()));
            html.text("p", result.reason());
        }, "class", HtmlCell.style(result.outcome()));
    }
}
