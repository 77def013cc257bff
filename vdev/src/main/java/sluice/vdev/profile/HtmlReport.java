package sluice.vdev.profile;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.trace.EventKind;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;

/** A profile as one HTML file without scripts, and without anything from elsewhere. */
final class HtmlReport {
    private static final double LEAST_SHARE = 0.004;
    private static final int ROW = 18;

    private final Profile profile;
    private final @Nullable JfrProfile samples;
    private final List<CostModel> machines;
    private final long droppedSlices;
    private final Html html = new Html();

    /**
     * @param samples of stacks, or null
     * @param droppedSlices what the trace beside lacks
     */
    HtmlReport(Profile profile, @Nullable JfrProfile samples, List<CostModel> machines, long droppedSlices) {
        this.profile = profile;
        this.samples = samples;
        this.machines = machines;
        this.droppedSlices = droppedSlices;
    }

    String text() {
        html.raw("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
                + "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
                + "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>Sluice profile</title>\n<style>\n")
                .raw(style()).raw("</style></head><body><main>\n");
        head();
        guest();
        for (DeviceProfile device : profile.devices()) new DeviceSection(html, device, profile.header()).write();
        if (profile.devices().isEmpty())
            html.raw("<div class=\"note bad\">").say("No device has done a request or shown a frame in this recording.")
                    .raw("</div>\n");
        findings();
        whatIf();
        processor();
        about();
        return html.raw("</main></body></html>\n").toString();
    }

    private static String style() {
        try (InputStream in = HtmlReport.class.getResourceAsStream("report.css")) {
            if (in == null) throw new IllegalStateException("report.css is not beside its class");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void head() {
        html.raw("<h1>Sluice profile</h1>\n");
        Instant start = Instant.ofEpochSecond(0, profile.header().startEpochNanos()).truncatedTo(ChronoUnit.SECONDS);
        html.raw("<p class=soft>").say("process %d, since %s; %s events in %s".formatted(profile.header().pid(), start,
                Words.count(profile.events()), Words.nanos(profile.nanos()))).raw("</p>\n");
        long lost = profile.header().lost() + profile.missed().unfinished() + profile.missed().cutOff()
                + profile.missed().unknown();
        if (profile.missed().overwritten() > 0 || lost > 0 || profile.dropped() > 0 || droppedSlices > 0)
            html.raw("<div class=\"note bad\">").say(
                    ("Not all is here: %s older events were overwritten (--profile-events keeps more), %s were lost or cut off, "
                            + "%s times were too many for one frame, and the trace lacks %s slices.")
                            .formatted(Words.count(profile.missed().overwritten()), Words.count(lost),
                                    Words.count(profile.dropped()), Words.count(droppedSlices)))
                    .raw("</div>\n");
        if (!profile.header().isClosed())
            html.raw("<div class=\"note bad\">").say("The process had not ended in order, or was still running.")
                    .raw("</div>\n");
    }

    /** How far the times of the guest can be trusted. */
    private void guest() {
        GuestMatch guest = profile.guest();
        if (guest == null) return;
        GuestClock clock = guest.clock();
        if (clock != null) {
            html.raw("<p>");
            if (guest.matched() > 0)
                html.say(
                        ("The driver of the guest is in this report: %s of the %s requests of its trace are matched with those of "
                                + "%s. ").formatted(Words.count(guest.matched()), Words.count(guest.requests()),
                                        guest.device()));
            if (guest.calls() > 0)
                html.say(
                        "The calls of the guest's DMA API are in the trace beside this file: its kernel has told the witness of %s. "
                                .formatted(Words.count(guest.calls())));
            html.say(
                    ("Its clock is known to ±%s, and to ±%s at best, from the order of these %s alone; it goes %.1f µs a second %s "
                            + "than ours.").formatted(Words.nanos(clock.uncertainty()), Words.nanos(clock.least()),
                                    guest.matched() == 0
                                            ? "calls"
                                            : guest.calls() == 0 ? "requests" : "requests and calls",
                                    Math.abs(clock.driftMicros()), clock.driftMicros() < 0 ? "slower" : "faster"));
            if (guest.matched() > 0)
                html.say(
                        " So submit to kick and answer to interrupt may be wrong by as much in every frame, in opposite directions.");
            html.raw("</p>\n");
        }
        for (String note : guest.notes()) html.paragraph(note);
        for (String problem : guest.problems()) html.raw("<div class=\"note bad\">").say(problem).raw("</div>\n");
    }

    private void findings() {
        Tally all = profile.tally();
        if (profile.findings().isEmpty() && all.count(EventKind.FAULT) == 0) return;
        html.raw("<h2>Findings and faults</h2>\n<section>\n").table("rule", "times", "what it says");
        profile.findings().entrySet().stream().sorted(Map.Entry.<Integer, Long>comparingByValue().reversed())
                .forEach(finding -> {
                    Rule rule = Rule.numbered(finding.getKey());
                    html.row(rule == null ? "rule " + finding.getKey() : rule.name(), Words.count(finding.getValue()),
                            rule == null ? "" : rule.says());
                });
        html.endTable();
        html.paragraph(Words.count(all.count(EventKind.FAULT)) + " accesses faulted.");
        html.raw("</section>\n");
    }

    private void whatIf() {
        Tally all = profile.tally();
        long frames = Math.max(1, profile.devices().stream().mapToLong(DeviceProfile::frameCount).sum());
        html.raw("<h2>What it would cost elsewhere</h2>\n<section>\n");
        html.paragraph("The memory operations of this run, per frame, at the cost of other machines. "
                + "A figure that nobody has published is not guessed: what it stands for is left out of the sum and named.");
        if (all.count(EventKind.WRITE_BACK, EventKind.INVALIDATE, EventKind.SKIP) == 0)
            html.paragraph(
                    "The devices of this run snoop the CPU's caches. Here each transfer of ownership costs what it would if they did not.");
        html.raw(
                "<table><thead><tr><th>machine</th><th>per frame</th><th>skipping saves</th><th class=left>not in the sum</th>"
                        + "<th class=left>source</th></tr></thead><tbody>\n");
        for (CostModel machine : machines) {
            CostModel.Cost cost = machine.of(all);
            OptionalDouble saved = machine.saved(all);
            html.raw("<tr><td>").say(machine.name()).raw("</td><td>").say(Words.nanos(cost.nanos() / frames))
                    .raw("</td><td>")
                    .say(saved.isEmpty() ? "–" : Words.nanos(saved.getAsDouble() / frames)).raw("</td><td class=left>")
                    .say(cost.missing()).raw("</td><td class=\"wrap left soft\">").say(machine.sources())
                    .raw("</td></tr>\n");
        }
        html.endTable().raw("</section>\n");
    }

    private void processor() {
        JfrProfile known = samples;
        html.raw("<h2>Processor</h2>\n<section>\n");
        if (known == null) {
            html.paragraph(
                    "There is no recording of JDK Flight Recorder: the process was killed, or its JDK has none.");
        } else if (known.samples() == 0) {
            html.paragraph("No thread was found at work.");
        } else {
            html.paragraph(
                    "%s samples of working threads, every 10 ms; %s pauses of the garbage collector, %s together, the longest %s."
                            .formatted(Words.count(known.samples()), Words.count(known.pauses()),
                                    Words.nanos(known.pauseNanos()),
                                    Words.nanos(known.longestPause())));
            html.raw("<h3>Top call sites</h3>\n").table("method", "itself", "with what it calls");
            for (JfrProfile.Site site : known.sites())
                html.row(site.method(), Words.percent((double) site.self() / known.samples()),
                        Words.percent((double) site.all() / known.samples()));
            html.endTable().raw("<h3>Flame graph</h3>\n");
            CallTree.Node root = known.tree().root();
            html.format("<div class=flame style=\"height:%dpx\">", (depth(root, root.samples()) + 1) * ROW);
            flames(root, root.samples(), 0, 0);
            html.raw("</div>\n");
        }
        html.raw("</section>\n");
    }

    private static int depth(CallTree.Node node, long all) {
        int deepest = 0;
        for (CallTree.Node callee : node.callees())
            if (callee.samples() >= LEAST_SHARE * all) deepest = Math.max(deepest, 1 + depth(callee, all));
        return deepest;
    }

    private void flames(CallTree.Node node, long all, double left, int row) {
        String name = node.name();
        String kind = row < 2 ? "root" : node.isOurs() ? "own" : "";
        html.format("<i class=\"%s\" style=\"left:%.3f%%;width:%.3f%%;top:%dpx\" title=\"", kind, left,
                100.0 * node.samples() / all, row * ROW);
        html.say(name + ", " + Words.percent((double) node.samples() / all)).raw("\">").say(name).raw("</i>");
        double at = left;
        for (CallTree.Node callee : node.callees()) {
            if (callee.samples() < LEAST_SHARE * all) continue;
            flames(callee, all, at, row + 1);
            at += 100.0 * callee.samples() / all;
        }
    }

    private void about() {
        html.raw("<h2>How to read this</h2>\n<section>\n");
        if (profile.guest() == null || profile.guest().matched() == 0)
            html.paragraph(
                    "No driver of a guest is in this report: it begins when the device sees a kick and ends with the interrupt that it sends. "
                            + "The way of a kick from the guest to the device, and of the interrupt back, is part of the time without a request.");
        html.paragraph(
                "A request that arrives while the device polls, or asks for no kicks, has waited since the device looked, not since it arrived.");
        html.paragraph(
                "Beside this file: trace.pftrace opens in ui.perfetto.dev, profile.jfr in JDK Mission Control, flight.rec with sluice trace.");
        html.raw("</section>\n");
    }
}
