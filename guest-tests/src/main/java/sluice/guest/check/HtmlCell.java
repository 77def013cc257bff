package sluice.guest.check;

import java.time.Duration;
import java.util.Locale;

import javax.xml.stream.XMLStreamException;

/** A cell on the page: in full, folded, or as one line with the reason of a skip. */
final class HtmlCell {
    private final Markup html;

    HtmlCell(Markup html) {
        this.html = html;
    }

    /** A mark that does not depend on colour. */
    static String mark(Outcome outcome) {
        return switch (outcome) {
            case PASS -> "✓";
            case FAIL -> "✗";
            case SKIP -> "–";
            case INCONCLUSIVE -> "?";
        };
    }

    static String word(Outcome outcome) {
        return outcome == Outcome.FAIL ? "FAIL" : style(outcome);
    }

    /** The class in the style sheet. */
    static String style(Outcome outcome) {
        return outcome.name().toLowerCase(Locale.ROOT);
    }

    /** As {@code 1.3 s} or {@code 2 min 5 s}. */
    static String duration(Duration time) {
        if (time.toMinutes() > 0) return "%d min %d s".formatted(time.toMinutes(), time.toSecondsPart());
        return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1000.0);
    }

    /** All details. */
    void full(CellResult result) throws XMLStreamException {
        html.element("article", () -> {
            html.element("h3", () -> heading(result));
            html.text("p", sentence(result.cell().title()), "class", "soft");
            html.text("p", sentence(result.reason()), "class", "reason");
            evidence(result);
        }, "id", result.cell().name());
    }

    /** Its name; the details are folded. */
    void folded(CellResult result) throws XMLStreamException {
        html.element("details", () -> {
            html.element("summary", () -> heading(result));
            html.element("div", () -> {
                html.text("p", sentence(result.cell().title()), "class", "soft");
                evidence(result);
            }, "class", "inner");
        }, "id", result.cell().name());
    }

    /** Its name and the reason. */
    void skipped(CellResult result) throws XMLStreamException {
        html.element("p", () -> {
            html.text("code", result.cell().name());
            html.gap(": ");
            html.text(result.reason());
        }, "id", result.cell().name(), "class", "skipped");
    }

    private void heading(CellResult result) throws XMLStreamException {
        html.text("span", mark(result.outcome()) + " " + word(result.outcome()), "class",
                "badge " + style(result.outcome()));
        html.gap(" ");
        html.text("code", result.cell().name());
        html.gap(" ");
        html.text("span", duration(result.time()), "class", "soft");
    }

    private void evidence(CellResult result) throws XMLStreamException {
        Bytes bytes = result.bytes();
        if (bytes != null) {
            bytes(bytes);
            for (Difference difference : bytes.differences()) difference(difference);
        }
        for (Finding finding : result.findings()) finding(finding);
        new HtmlTimeline(html).write(result.timeline());
        if (result.console().isEmpty()) return;
        html.element("details", () -> {
            html.text("summary", "Console of the guest: " + FindingText.counted(result.console().size(), "line"));
            html.element("pre", () -> html.verbatim(String.join("\n", Legible.console(result.console()))));
        });
    }

    private void bytes(Bytes bytes) throws XMLStreamException {
        html.element("div", () -> html.element("table", () -> {
            html.element("tr", () -> {
                html.text("th", "Buffers", "scope", "col");
                html.text("th", "all right", "scope", "col");
                html.text("th", "called failed", "scope", "col");
                html.text("th", "Packets right", "scope", "col");
                html.text("th", "old", "scope", "col");
                html.text("th", "not written", "scope", "col");
                html.text("th", "broken", "scope", "col");
            });
            html.element("tr", () -> {
                html.text("td", Integer.toString(bytes.frames()));
                html.text("td", Integer.toString(bytes.rightFrames()));
                bad(bytes.failed());
                html.text("td", Long.toString(bytes.right()));
                bad(bytes.old());
                bad(bytes.wiped());
                bad(bytes.other());
            });
        }, "class", "numbers"), "class", "scroll");
    }

    private void difference(Difference difference) throws XMLStreamException {
        html.text("p", sentence(difference.where()), "class", "soft");
        html.element("pre", () -> html.verbatim("expected %s\nfound    %s".formatted(spaced(difference.expected()),
                spaced(difference.found()))));
    }

    /** Bytes in hexadecimal, with a space between. */
    private static String spaced(String hex) {
        return hex.replaceAll("..(?!$)", "$0 ");
    }

    private void bad(long count) throws XMLStreamException {
        html.text("td", Long.toString(count), "class", count == 0 ? "good" : "bad");
    }

    private void finding(Finding finding) throws XMLStreamException {
        FindingText text = FindingText.of(finding);
        html.element("div", () -> {
            html.text("h4", sentence(finding.what()));
            html.element("dl", () -> {
                html.text("dt", "Rule");
                html.element("dd", () -> {
                    if (!text.says().isEmpty()) html.text(text.says());
                    html.gap(" ");
                    html.element("span", () -> {
                        html.text("code", text.rule());
                        html.text(", " + text.severity());
                    }, "class", "soft");
                });
                row("Source", text.source());
                row("Device", finding.device());
                row("Kernel call", finding.buffer());
                if (!finding.mapped().isEmpty()) {
                    html.text("dt", "Mapped by");
                    html.element("dd", () -> HtmlTimeline.folded(html, CallChain.line(finding.mapped()),
                            finding.mapped()));
                }
                row("Found at", finding.site());
                if (!finding.chain().isEmpty()) {
                    html.text("dt", "Called by");
                    html.element("dd", () -> HtmlTimeline.chain(html, finding.chain()));
                }
                row("Range", text.range());
                row("Seen", text.times());
            });
        }, "class", "finding " + text.severity());
    }

    private void row(String term, String text) throws XMLStreamException {
        if (text.isBlank()) return;
        html.text("dt", term);
        html.text("dd", text);
    }

    /** With a capital and a full stop. */
    private static String sentence(String clause) {
        String text = clause.strip();
        if (text.isEmpty()) return "";
        int first = text.offsetByCodePoints(0, 1);
        String end = text.endsWith(".") || text.endsWith("!") || text.endsWith("?") ? "" : ".";
        return text.substring(0, first).toUpperCase(Locale.ROOT) + text.substring(first) + end;
    }
}
