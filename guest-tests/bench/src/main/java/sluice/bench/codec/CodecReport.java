package sluice.bench.codec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

/**
 * The figures beside their bars, as text and as JSON.
 *
 * @param library name of the codec library
 * @param all rounds of one session, and of several
 * @param statistics the device's report
 * @param p50Micros from sending a command to its answer, as the driver sees it
 * @param p99Micros the same
 * @param loadBefore of the machine, from /proc/loadavg
 */
record CodecReport(String library, List<Rounds> all, JsonObject statistics, double p50Micros, double p99Micros,
        String loadBefore, String loadAfter) {
    private static final double CPU_BAR = 1.05;
    private static final double WALL_BAR = 1.10;
    private static final double COMMAND_BAR_MICROS = 200;
    private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

    static String load() throws IOException {
        return Files.readString(Path.of("/proc/loadavg")).strip();
    }

    /** A line of the table: a ratio of times, with its bar. */
    private record Line(String what, Rounds rounds, ToLongFunction<Subject.Round> value, double bar) {
        Rounds.Spread ratio() {
            return rounds.ratio(value);
        }

        boolean met() {
            return ratio().median() <= bar;
        }
    }

    /**
     * More than one session is as fast as as many threads of the library; its CPU time is reported with the same bar. They use all
     * processors, so each microsecond of the client, which the library's run has not, is one that nobody decodes in: its part of the wall
     * time is taken off, as its CPU time is. One session leaves it a processor.
     */
    private List<Line> lines() {
        List<Line> lines = new ArrayList<>();
        for (Rounds rounds : all) {
            boolean one = rounds.sessions() == 1;
            String name = sessions(rounds);
            lines.add(new Line(name + ": CPU", rounds, Subject.Round::cpuNanos, one ? CPU_BAR : WALL_BAR));
            lines.add(new Line(name + (one ? ": wall" : ": wall without the client's part"), rounds,
                    one ? Subject.Round::wallNanos : round -> round.wallWithoutClient(PROCESSORS), WALL_BAR));
        }
        return lines;
    }

    private static String sessions(Rounds rounds) {
        return rounds.sessions() == 1
                ? "one session"
                : "%d sessions, %d threads".formatted(rounds.sessions(), rounds.sessions());
    }

    private double commandMicros(String which) {
        return statistics.getAsJsonObject("latencyMicros").getAsJsonObject("IOCTL").get(which).getAsDouble();
    }

    private static String machine() {
        return "%d processors, Linux %s, Java %s".formatted(PROCESSORS,
                System.getProperty("os.version"), System.getProperty("java.version"));
    }

    String text() {
        StringBuilder text = new StringBuilder();
        row(text, "1080p H.264, median (least–most)", "device, ms/picture", "library, ms/picture", "device / library",
                "bar");
        for (Line line : lines()) {
            Rounds rounds = line.rounds();
            row(text, line.what(), rounds.millis(rounds.ours(), line.value()).text(),
                    rounds.millis(rounds.theirs(), line.value()).text(), line.ratio().text(),
                    "≤ " + line.bar() + (line.met() ? "  met" : "  missed"));
        }
        for (Rounds rounds : all) {
            row(text, "%s: the client's CPU, wall with it".formatted(sessions(rounds)),
                    rounds.millis(rounds.ours(), Subject.Round::clientNanos).text(), "",
                    rounds.ratio(Subject.Round::wallNanos).text(), "");
        }
        boolean quick = commandMicros("p99") <= COMMAND_BAR_MICROS;
        row(text, "service time of an ioctl while decoding, p50, p99",
                String.format(Locale.ROOT, "%.1f µs, %.1f µs", commandMicros("p50"), commandMicros("p99")), "", "",
                "p99 ≤ 200 µs" + (quick ? "  met" : "  missed"));
        row(text, "the same from driver to driver, with its wake-ups",
                String.format(Locale.ROOT, "%.1f µs, %.1f µs", p50Micros, p99Micros), "", "", "");
        row(text, "bytes of pictures copied, brought into another order",
                bytes("copiedBytes") + ", " + bytes("convertedBytes"), "", "",
                "0" + (bytes("copiedBytes") + bytes("convertedBytes") == 0 ? "  met" : "  missed"));
        return text.append(library).append("; load of the machine before: ").append(loadBefore).append(", after: ")
                .append(loadAfter).append("; ").append(machine()).toString();
    }

    private static void row(StringBuilder text, String... cells) {
        text.append("%-54s %-24s %-24s %-24s %s".formatted((Object[]) cells).stripTrailing()).append('\n');
    }

    private long bytes(String kind) {
        return statistics.has(kind) ? statistics.getAsJsonObject(kind).get("pictures").getAsLong() : 0;
    }

    JsonObject toJson() {
        JsonObject report = new JsonObject();
        report.addProperty("machine", machine());
        report.addProperty("library", library);
        report.addProperty("loadBefore", loadBefore);
        report.addProperty("loadAfter", loadAfter);
        JsonArray comparisons = new JsonArray();
        for (Line line : lines()) {
            JsonObject json = new JsonObject();
            json.addProperty("name", line.what());
            json.addProperty("sessions", line.rounds().sessions());
            json.add("ratio", json(line.ratio()));
            json.addProperty("bar", line.bar());
            json.addProperty("met", line.met());
            json.add("deviceNanos", values(line.rounds().ours(), line.value()));
            json.add("libraryNanos", values(line.rounds().theirs(), line.value()));
            json.add("clientNanos", values(line.rounds().ours(), Subject.Round::clientNanos));
            comparisons.add(json);
        }
        report.add("comparisons", comparisons);
        JsonObject command = new JsonObject();
        command.addProperty("serviceP50Micros", commandMicros("p50"));
        command.addProperty("serviceP99Micros", commandMicros("p99"));
        command.addProperty("barMicros", COMMAND_BAR_MICROS);
        command.addProperty("met", commandMicros("p99") <= COMMAND_BAR_MICROS);
        command.addProperty("driverP50Micros", p50Micros);
        command.addProperty("driverP99Micros", p99Micros);
        report.add("ioctl", command);
        report.add("device", statistics);
        return report;
    }

    private static JsonObject json(Rounds.Spread spread) {
        JsonObject json = new JsonObject();
        json.addProperty("median", spread.median());
        json.addProperty("least", spread.least());
        json.addProperty("most", spread.most());
        return json;
    }

    private static JsonArray values(List<Subject.Round> rounds, ToLongFunction<Subject.Round> value) {
        JsonArray array = new JsonArray();
        rounds.forEach(round -> array.add(value.applyAsLong(round)));
        return array;
    }
}
