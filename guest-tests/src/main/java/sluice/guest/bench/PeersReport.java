package sluice.guest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * The comparison, as text and as JSON.
 *
 * @param comparisons in the order of the table
 * @param subjects back-ends with all rounds, for the JSON
 * @param loadBefore load averages of the machine before the first round, from /proc/loadavg
 */
record PeersReport(List<Comparison> comparisons, List<Subject> subjects, String loadBefore, String loadAfter) {

    static String load() throws IOException {
        return Files.readString(Path.of("/proc/loadavg")).strip();
    }

    private static String machine() {
        Runtime runtime = Runtime.getRuntime();
        return "%d processors, Linux %s, Java %s".formatted(runtime.availableProcessors(),
                System.getProperty("os.version"), System.getProperty("java.version"));
    }

    /** The table: a line for each workload; medians, with minimum and maximum of the rounds in parentheses. */
    String text() {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[]{ "workload", "ours", "C peer", "ours / peer", "bar", "",
                "frame / limit (≤ " + Workload.LIMIT_BAR + ")", "" });
        for (Comparison c : comparisons) {
            rows.add(new String[]{
                    c.workload().label + ", " + c.workload().unitText()
                            + (c.workload().isFresh() && !c.workload().isOfProcess() ? ", fresh" : "")
                            + (c.name().equals(PeersBench.OURS) || c.workload().isOfBlobs() ? "" : ", " + c.name()),
                    c.ours().text(), text(c.peer()), text(c.ratio()),
                    c.bar() == null ? own(c) : c.workload().barText(c.bar()),
                    verdict(c.bar() == null ? c.meetsOwn() : c.meetsBar()), text(c.limit()), verdict(c.meetsLimit()) });
        }
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            text.append("%-48s %-28s %-28s %-18s %-12s %-7s %-20s %s".formatted((Object[]) row).stripTrailing())
                    .append('\n');
        }
        return text.append("load of the machine before: ").append(loadBefore).append(", after: ").append(loadAfter)
                .append("; ").append(machine()).toString();
    }

    /** A bar for ours alone, with its unit. */
    private static String own(Comparison c) {
        Double own = c.workload().own;
        return own == null ? "" : "%s %s".formatted(c.workload().barText(own), c.workload().unitText());
    }

    private static String text(@Nullable Spread spread) {
        return spread == null ? "" : spread.text();
    }

    private static String verdict(@Nullable Boolean met) {
        return met == null ? "" : met ? "met" : "missed";
    }

    JsonObject toJson() {
        JsonObject report = new JsonObject();
        report.addProperty("machine", machine());
        report.addProperty("loadBefore", loadBefore);
        report.addProperty("loadAfter", loadAfter);
        JsonObject commands = new JsonObject();
        for (Subject subject : subjects) commands.addProperty(subject.name(), String.join(" ", subject.command()));
        report.add("backEnds", commands);
        JsonArray all = new JsonArray();
        for (Comparison comparison : comparisons) all.add(json(comparison));
        report.add("comparisons", all);
        return report;
    }

    private JsonObject json(Comparison comparison) {
        Workload workload = comparison.workload();
        JsonObject json = new JsonObject();
        json.addProperty("workload", workload.wireName());
        json.addProperty("backEnd", comparison.name());
        json.addProperty("unit", workload.unitText());
        json.add("ours", comparison.ours().json());
        if (comparison.peer() != null) json.add("peer", comparison.peer().json());
        if (comparison.ratio() != null) json.add("ratio", comparison.ratio().json());
        if (comparison.bar() != null) json.addProperty("bar", comparison.bar());
        if (comparison.meetsBar() != null) json.addProperty("met", comparison.meetsBar());
        if (workload.own != null) {
            json.addProperty("ownBar", workload.own);
            json.addProperty("ownMet", comparison.meetsOwn());
        }
        if (comparison.limit() != null) {
            json.add("frameToLimit", comparison.limit().json());
            json.addProperty("limitBar", Workload.LIMIT_BAR);
            json.addProperty("limitMet", comparison.meetsLimit());
        }
        JsonObject rounds = new JsonObject();
        for (Subject subject : subjects) rounds.add(subject.name(), json(subject.rounds(workload)));
        json.add("rounds", rounds);
        return json;
    }

    private static JsonArray json(List<Measurement> rounds) {
        JsonArray array = new JsonArray();
        for (Measurement round : rounds) {
            JsonObject json = new JsonObject();
            json.addProperty("value", round.value());
            json.addProperty("operations", round.operations());
            json.addProperty("p50Micros", round.p50Micros());
            json.addProperty("p99Micros", round.p99Micros());
            json.addProperty("cpuMillis", round.cpuMillis());
            array.add(json);
        }
        return array;
    }
}
