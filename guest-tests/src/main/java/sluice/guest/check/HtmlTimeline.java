package sluice.guest.check;

import java.util.List;
import java.util.Locale;

import javax.xml.stream.XMLStreamException;

/** A timeline on the page: a table with a row for each event. */
final class HtmlTimeline {
    private static final int COLUMNS = 7;
    private static final double MICROS_PER_MILLI = 1000;

    private final Markup html;

    HtmlTimeline(Markup html) {
        this.html = html;
    }

    /** A call chain that is folded. */
    static void folded(Markup html, String summary, List<String> functions) throws XMLStreamException {
        html.element("details", () -> {
            html.text("summary", summary);
            chain(html, functions);
        });
    }

    /** A call chain as a list. */
    static void chain(Markup html, List<String> functions) throws XMLStreamException {
        html.element("ol", () -> {
            for (String function : functions) html.text("li", function);
        }, "class", "chain");
    }

    /** Writes it, unless it is empty. */
    void write(Timeline timeline) throws XMLStreamException {
        if (timeline.lines().isEmpty()) return;
        html.text("h4", "What led to it");
        html.element("div", () -> html.element("table", () -> {
            html.element("thead", () -> html.element("tr", () -> {
                html.text("th", "#", "scope", "col", "class", "order");
                html.text("th", "ms", "scope", "col", "class", "time");
                html.text("th", "Who", "scope", "col");
                html.text("th", "Buffer", "scope", "col");
                html.text("th", "Range", "scope", "col");
                html.text("th", "Direction", "scope", "col");
                html.text("th", "Verdict", "scope", "col");
            }));
            html.element("tbody", () -> {
                for (Timeline.Line line : timeline.lines()) {
                    switch (line) {
                        case Timeline.Gap gap -> gap(gap);
                        case Timeline.Event event -> event(event);
                    }
                    html.gap("\n");
                }
            });
        }, "class", "timeline"), "class", "scroll");
    }

    private void gap(Timeline.Gap gap) throws XMLStreamException {
        html.element("tr", () -> html.text("td", FindingText.counted(gap.count(), "event") + " left out", "colspan",
                Integer.toString(COLUMNS), "class", "gap"));
    }

    private void event(Timeline.Event event) throws XMLStreamException {
        Moment moment = event.moment();
        html.element("tr", () -> {
            html.text("td", Long.toString(moment.order()), "class", "order");
            html.text("td", String.format(Locale.ROOT, "%.2f", moment.micros() / MICROS_PER_MILLI), "class", "time");
            html.element("td", () -> who(moment));
            html.text("td", moment.buffer().isEmpty() ? "not mapped" : moment.buffer());
            html.text("td", range(moment));
            html.text("td", (moment.direction() + " " + moment.attributes()).strip());
            html.element("td", () -> {
                if (event.broke()) html.text("code", moment.rule());
            });
        }, "class", event.broke() ? "broke" : moment.isCall() ? "call" : "device");
    }

    private void who(Moment moment) throws XMLStreamException {
        if (!moment.isCall()) {
            html.text("%s %s".formatted(moment.device(), moment.kind().equals("READ") ? "reads" : "writes"));
            if (moment.count() > 1) {
                html.gap(" ");
                html.text("span", "in %d accesses".formatted(moment.count()), "class", "soft");
            }
            return;
        }
        String called = moment.device().isEmpty() ? moment.call() : moment.call() + ", " + moment.device();
        if (moment.chain().isEmpty()) {
            html.text(called);
            return;
        }
        folded(html, called, moment.chain());
    }

    private static String range(Moment moment) {
        if (moment.length() <= 0) return "";
        String range = "0x%x to 0x%x".formatted(moment.from(), moment.from() + moment.length() - 1);
        return moment.isCall() && moment.count() > 1 ? range + ", %d pieces".formatted(moment.count()) : range;
    }
}
