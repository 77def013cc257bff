package sluice.vdev.profile;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.RecordingHeader;

/** The part of a report about one device. */
final class DeviceSection {
    private static final Stage[] STAGES = Stage.values();
    private static final int BUCKETS = 160;
    private static final double SHOWN_WHOLE = 0.97;
    private static final int CHART_WIDTH = 1000;
    private static final int CHART_HEIGHT = 160;

    private final Html html;
    private final DeviceProfile device;
    private final RecordingHeader header;

    DeviceSection(Html html, DeviceProfile device, RecordingHeader header) {
        this.html = html;
        this.device = device;
        this.header = header;
    }

    void write() {
        html.raw("<h2>").say(device.name()).raw("</h2>\n<section>\n");
        if (device.frameCount() > 0) frames();
        requests();
        memory();
        html.raw("</section>\n");
    }

    private void frames() {
        double total = Math.max(1, device.total().sum());
        double guest = device.of(Stage.GUEST).sum();
        long waits = 0;
        for (Stage stage : STAGES) if (stage.isWait() && !stage.isGuest()) waits += device.of(stage).sum();
        double busy = Math.max(1, device.busy().sum());
        double way = Math.max(1, total - guest);
        boolean hasGuest = total - guest - device.busy().sum() > 0;
        html.raw("<div class=tiles>");
        tile(Words.count(device.frameCount()), "frames");
        tile(Words.nanos(device.busy().quantile(0.5)), "busy per frame, p50");
        tile(Words.nanos(device.busy().quantile(0.95)), "p95");
        tile(Words.nanos(device.busy().quantile(0.99)), "p99");
        tile(Words.percent(waits / busy), "of it waiting");
        tile(Words.percent(guest / total), "of the time idle");
        html.raw("</div>\n<h3>Where the time of a frame goes</h3>\n");
        html.paragraph("Stages do not overlap and add up to the frame. The bar leaves out the time without a request"
                + (hasGuest ? ", and begins and ends with the guest's driver." : "."));
        html.raw("<div class=stack role=img aria-label=\"share of each stage in the time with a request\">");
        for (Stage stage : STAGES) {
            double share = device.of(stage).sum() / way;
            if (stage != Stage.GUEST && share > 0)
                html.format("<i style=\"width:%.3f%%;background:var(--%s)\" title=\"%s: %s\"></i>", 100 * share,
                        color(stage), stage.label(), Words.percent(share));
        }
        html.raw("</div>\n");
        html.raw(
                "<table><thead><tr><th>stage</th><th>p50</th><th>p95</th><th>p99</th><th>mean</th><th>"
                        + (hasGuest ? "share of the way" : "share of busy time")
                        + "</th><th class=left>what it is</th></tr></thead><tbody>\n");
        for (Stage stage : STAGES) {
            Samples of = device.of(stage);
            if (of.sum() == 0) continue;
            html.format("<tr><td><span class=swatch style=\"background:var(--%s)\"></span>", color(stage))
                    .say(stage.label());
            html.raw("</td>");
            for (double quantile : List.of(0.5, 0.95, 0.99))
                html.raw("<td>").say(Words.nanos(of.quantile(quantile))).raw("</td>");
            html.raw("<td>").say(Words.nanos(of.mean())).raw("</td><td>")
                    .say(stage == Stage.GUEST ? "–" : Words.percent(of.sum() / way))
                    .raw("</td><td class=\"wrap left\">")
                    .say(stage.says()).raw("</td></tr>\n");
        }
        html.raw("<tr><td><b>frame</b></td>");
        for (double quantile : List.of(0.5, 0.95, 0.99))
            html.raw("<td>").say(Words.nanos(device.total().quantile(quantile))).raw("</td>");
        html.raw("<td>").say(Words.nanos(device.total().mean())).raw("</td><td></td><td></td></tr>\n").endTable();
        chart();
        worst();
    }

    private void tile(String figure, String what) {
        html.raw("<div class=tile><b>").say(figure).raw("</b><span>").say(what).raw("</span></div>");
    }

    @SuppressWarnings("EnumOrdinal") // an index of an array that lives as long as the call
    private static int index(Stage stage) {
        return stage.ordinal();
    }

    private static String color(Stage stage) {
        return stage.name().toLowerCase(Locale.ROOT);
    }

    /** The mean busy time of frames that follow each other, by stage. */
    private void chart() {
        List<Frame> frames = device.frames();
        int buckets = Math.min(BUCKETS, frames.size());
        if (buckets < 2) return;
        double[][] means = new double[buckets][STAGES.length];
        double[] sums = new double[buckets];
        for (int b = 0; b < buckets; b++) {
            int from = (int) ((long) b * frames.size() / buckets);
            int to = (int) ((b + 1L) * frames.size() / buckets);
            for (Stage stage : STAGES) {
                if (stage.isGuest()) continue;
                for (Frame frame : frames.subList(from, to))
                    means[b][index(stage)] += (double) frame.nanos(stage) / (to - from);
                sums[b] += means[b][index(stage)];
            }
        }
        // The first frames of a run are slow: they would make the others invisible.
        double[] sorted = sums.clone();
        Arrays.sort(sorted);
        double highest = Math.max(1, 1.1 * sorted[(int) (SHOWN_WHOLE * (buckets - 1))]);
        html.raw("<h3>Busy time over the run</h3>\n");
        html.format(
                "<svg class=chart viewBox=\"0 0 %d %d\" preserveAspectRatio=none role=img aria-label=\"busy time of frames over time\">",
                CHART_WIDTH, CHART_HEIGHT);
        double width = (double) CHART_WIDTH / buckets;
        for (int b = 0; b < buckets; b++) {
            double bottom = CHART_HEIGHT;
            for (Stage stage : STAGES) {
                double height = Math.min(bottom, means[b][index(stage)] / highest * CHART_HEIGHT);
                if (height <= 0) continue;
                bottom -= height;
                html.format("<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"var(--%s)\"/>",
                        b * width, bottom,
                        Math.max(1, width - 0.6), height, color(stage));
            }
        }
        html.raw("</svg>\n");
        html.paragraph("From frame %2$s to frame %3$s; the top is %1$s, and what is longer is cut."
                .formatted(Words.nanos(highest), Long.toUnsignedString(frames.getFirst().number()),
                        Long.toUnsignedString(frames.getLast().number())));
    }

    private void worst() {
        html.raw("<h3>The longest frames</h3>\n").table("frame", "after", "busy", "longest stage", "of it", "copied",
                "faults",
                "findings");
        for (Frame frame : device.worst()) {
            Stage longest = Stage.DEVICE;
            for (Stage stage : STAGES)
                if (!stage.isGuest() && frame.nanos(stage) > frame.nanos(longest)) longest = stage;
            html.row(Long.toUnsignedString(frame.number()), Words.nanos(header.sinceStart(frame.start())),
                    Words.nanos(frame.busyNanos()), longest.label(), Words.nanos(frame.nanos(longest)),
                    Words.bytes(frame.tally().bytes(EventKind.COPY, EventKind.BOUNCE, EventKind.MOVE)),
                    Words.count(frame.tally().count(EventKind.FAULT)),
                    Words.count(frame.tally().count(EventKind.FINDING)));
        }
        html.endTable();
    }

    private void requests() {
        if (device.requests().isEmpty()) return;
        html.raw("<h3>Requests</h3>\n").table("request", "queue", "number", "waited p50", "p99", "worked p50", "p99",
                "to answer p50", "p99", "depth");
        for (RequestKind kind : device.requests()) {
            html.row(kind.name(), kind.queue(), Words.count(kind.total().count()),
                    Words.nanos(kind.waited().quantile(0.5)),
                    Words.nanos(kind.waited().quantile(0.99)), Words.nanos(kind.worked().quantile(0.5)),
                    Words.nanos(kind.worked().quantile(0.99)), Words.nanos(kind.total().quantile(0.5)),
                    Words.nanos(kind.total().quantile(0.99)), kind.deepest() == 0 ? "?" : Words.count(kind.deepest()));
        }
        html.endTable();
        if (device.unnamedRequests() > 0)
            html.paragraph(Words.count(device.unnamedRequests()) + " requests of further names are not listed.");
        if (device.batchedRequests() > 0)
            html.paragraph(Words.count(device.batchedRequests())
                    + " requests came too fast to be told one by one: each has an equal part of the time of its batch, and what happened during"
                    + " them counts as \"" + Stage.DEVICE.label()
                    + "\" and is in no number of copies and cache operations.");
    }

    private void memory() {
        Tally tally = device.tally();
        long frames = Math.max(1, device.frameCount());
        html.raw("<h3>Memory</h3>\n").table("what", "times", "bytes", "time", "bytes per frame");
        line("copied as the protocol says", tally, frames, EventKind.COPY);
        line("bounced and moved", tally, frames, EventKind.BOUNCE, EventKind.MOVE);
        line("lines written back", tally, frames, EventKind.WRITE_BACK);
        line("lines invalidated", tally, frames, EventKind.INVALIDATE);
        line("operations skipped", tally, frames, EventKind.SKIP);
        line("maps", tally, frames, EventKind.MAP);
        line("unmaps", tally, frames, EventKind.UNMAP);
        line("transfers of ownership", tally, frames, EventKind.SYNC_FOR_DEVICE, EventKind.SYNC_FOR_CPU);
        line("translations", tally, frames, EventKind.TRANSLATE);
        line("misses of the VM's IOMMU", tally, frames, EventKind.MISS);
        line("faults", tally, frames, EventKind.FAULT);
        html.endTable();
        saved(tally);
    }

    private void line(String what, Tally tally, long frames, EventKind... kinds) {
        if (tally.count(kinds) == 0) return;
        html.row(what, Words.count(tally.count(kinds)), Words.bytes(tally.bytes(kinds)),
                Words.nanos(tally.nanos(kinds)),
                Words.bytes((double) tally.bytes(kinds) / frames));
    }

    /** What executed operations of this run have cost, applied to the skipped ones. */
    private void saved(Tally tally) {
        long skipped = tally.bytes(EventKind.SKIP);
        long requested = skipped + tally.bytes(EventKind.WRITE_BACK, EventKind.INVALIDATE);
        if (requested == 0) return;
        html.paragraph("Cache operations were requested for %s: %s were executed, %s skipped (%s)."
                .formatted(Words.bytes(requested), Words.bytes(requested - skipped), Words.bytes(skipped),
                        Words.percent((double) skipped / requested)));
        long bytes = tally.bytes(EventKind.WRITE_BACK, EventKind.INVALIDATE);
        long nanos = tally.nanos(EventKind.WRITE_BACK, EventKind.INVALIDATE);
        if (bytes > 0 && nanos > 0 && skipped > 0)
            html.paragraph("At the cost of those that were executed here, skipping has saved %s."
                    .formatted(Words.nanos((double) nanos / bytes * skipped)));
    }
}
