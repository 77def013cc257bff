package sluice.vdev.trace;

import java.io.PrintWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.RecordingHeader;

/** A summary as text. */
public final class SummaryText {
    private static final int MOST_LINES = 40;
    private static final int LONGEST_NAME = 28;

    private SummaryText() {}

    /** Prints it. */
    public static void print(Summary summary, PrintWriter out) {
        head(summary, out);
        kinds(summary, out);
        buffers(summary, out);
        findings(summary, out);
    }

    private static void head(Summary summary, PrintWriter out) {
        RecordingHeader header = summary.header();
        Missed missed = summary.missed();
        out.printf(Locale.ROOT, "process %d, recording since %s, %s%n", header.pid(),
                Instant.ofEpochSecond(0, header.startEpochNanos()).truncatedTo(ChronoUnit.SECONDS),
                end(header));
        out.printf(Locale.ROOT, "%,d events in %s, %,d of them findings%n", summary.events(),
                Quantity.nanos(summary.nanos()),
                summary.work().of(EventKind.FINDING).events());
        out.printf(Locale.ROOT,
                "missing: %,d overwritten, %,d lost, %,d unfinished, %,d cut off, %,d of unknown kind%n",
                missed.overwritten(), header.lost(), missed.unfinished(), missed.cutOff(), missed.unknown());
    }

    /** As far as the kernel of this host knows: the file may come from another, and then the process is not here. */
    private static String end(RecordingHeader header) {
        if (header.isClosed()) return "ended normally";
        Instant start = Instant.ofEpochSecond(0, header.startEpochNanos()).plusSeconds(1);
        boolean runs = ProcessHandle.of(header.pid()).flatMap(process -> process.info().startInstant())
                .filter(began -> !began.isAfter(start)).isPresent();
        return runs ? "still running" : "was killed, or runs on another host";
    }

    private static void kinds(Summary summary, PrintWriter out) {
        if (summary.events() == 0) return;
        out.printf(Locale.ROOT, "%n%-18s %12s %12s %12s%n", "kind", "events", "bytes", "time");
        for (EventKind kind : EventKind.values()) {
            Sum sum = summary.work().of(kind);
            if (sum.events() == 0) continue;
            out.printf(Locale.ROOT, "%-18s %,12d %12s %12s%n", kind, sum.events(),
                    sum.bytes() == 0 ? "" : Quantity.bytes(sum.bytes()),
                    sum.nanos() == 0 ? "" : Quantity.nanos(sum.nanos()));
        }
    }

    private static void buffers(Summary summary, PrintWriter out) {
        List<BufferStory> buffers = summary.buffers();
        if (buffers.isEmpty()) return;
        out.printf(Locale.ROOT, "%n%8s %-28s %9s %9s %8s %18s %18s %18s  %s%n", "buffer", "name", "size", "transfers",
                "attached",
                "flushed", "skipped", "copied", "lifetime");
        for (BufferStory buffer : buffers.subList(0, Math.min(MOST_LINES, buffers.size()))) {
            Work work = buffer.work();
            out.printf(Locale.ROOT, "%8d %-28s %9s %,9d %,8d %18s %18s %18s  %s%n", buffer.number(),
                    shortened(summary.names().of(buffer.number())),
                    buffer.size() == 0 ? "?" : Quantity.bytes(buffer.size()), work.transfers().events(),
                    work.of(EventKind.ATTACH).events(), Quantity.bytesAndNanos(work.flushed()),
                    Quantity.bytesAndNanos(work.of(EventKind.SKIP)), Quantity.bytesAndNanos(work.copied()),
                    lifetime(buffer));
        }
        if (buffers.size() > MOST_LINES) {
            out.printf(Locale.ROOT, "and %,d buffers that cost less; --json lists them%n", buffers.size() - MOST_LINES);
        }
        if (summary.eventsOfOtherBuffers() > 0) {
            out.printf(Locale.ROOT, "and %,d events of more than %,d buffers%n", summary.eventsOfOtherBuffers(),
                    Summary.MOST_BUFFERS);
        }
    }

    private static String lifetime(BufferStory buffer) {
        return (buffer.isBornHere() ? "" : "…") + Quantity.nanos(buffer.lifetimeNanos())
                + (buffer.isGone() ? "" : "…");
    }

    private static String severity(@Nullable Rule rule) {
        if (rule == null) return "";
        return switch (rule.severity()) {
            case ERROR -> "error: ";
            case HINT -> "hint: ";
        };
    }

    private static String shortened(String name) {
        return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME - 1) + "…";
    }

    private static void findings(Summary summary, PrintWriter out) {
        if (summary.findings().isEmpty()) return;
        out.println();
        for (Map.Entry<Integer, Long> finding : summary.findings().entrySet()) {
            Rule rule = Rule.numbered(finding.getKey());
            out.printf(Locale.ROOT, "%s%s was broken %s%s%n", severity(rule), Details.rule(finding.getKey()),
                    finding.getValue() == 1 ? "once" : String.format(Locale.ROOT, "%,d times", finding.getValue()),
                    rule == null ? "" : ": " + rule.says());
        }
    }
}
