package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;

/**
 * JSON for programs. Names are stable; later versions may add some. Guest text is complete and unchanged.
 *
 * <pre>
 * { "version": 1, "driver": "saa7134_empress", "device": "vfg7350", "kernel": "7.2.12", "qemu": "10.0.2",
 *   "witness": "module",              // module, trace
 *   "not_seen": [ "..." ],            // what this witness cannot see
 *   "exit_status": 1,                 // 0 pass, 1 fail, 4 all skipped
 *   "seconds": 41.5,                  // of the whole run
 *   "count": { "pass": 3, "fail": 1, "skip": 2, "inconclusive": 0 },
 *   "cells": [ {
 *     "name": "iommu-none.bounced.coherent.udmabuf.sync",
 *     "iommu": "none", "bounces": true, "snoops": true, "memory": "udmabuf", "use": "sync",
 *     "outcome": "fail",              // pass, fail, skip, inconclusive
 *     "reason": "...",                // empty if it passed
 *     "seconds": 1.25,
 *     "bytes": {                      // null if the cell came to no bytes
 *       "buffers": 8, "failed": 0, "right_buffers": 2,
 *       "packets": { "right": 24, "old": 0, "not_written": 72, "broken": 0 },
 *       "differences": [ {            // of the first wrong buffers; dots are bytes that nothing tells
 *         "frame": 0, "offset": 0, "length": 12032, "expected": "471fff10....", "found": "eeee..." } ] },
 *     "findings": [ {
 *       "rule": "MISSING_SYNC_FOR_CPU", "says": "...", "source": "...",    // the last two are empty for an unknown rule
 *       "severity": "error",          // error, hint
 *       "device": "...", "buffer": "...", "from": 0, "length": 4096, "times": 3, "what": "...",
 *       "site": "dma_unmap_sg FROM_DEVICE SKIP_CPU_SYNC",
 *       "chain": [ "dma_unmap_sg_attrs+0x50/0x60", "..." ],    // functions that led to this call, innermost first
 *       "mapped": [ "..." ] } ],      // and those that led to the mapping
 *     "timeline": [                   // of a cell that failed or is inconclusive: what led to it
 *       { "left_out": 120 },          // events that are not shown
 *       { "order": 121, "micros": 51023, "kind": "CALL",      // CALL of the kernel, READ, WRITE of the device
 *         "device": "card", "call": "dma_map_sg", "buffer": "dma_map_sg 0x1000", "from": 0, "length": 4096,
 *         "count": 1,                 // entries of the list, or accesses
 *         "direction": "FROM_DEVICE", "attributes": "", "chain": [ "..." ],
 *         "rule": "" } ],             // that was broken
 *     "console": [ "..." ] } ] }
 * </pre>
 */
final class JsonReport implements ReportFormat {
    private static final int VERSION = 1;
    private static final double MILLIS = 1000;
    private static final Gson GSON = new GsonBuilder().setPrettyPrinting().serializeNulls().create();

    @Override
    public void write(CheckResult result, Writer out) throws IOException {
        out.append(Legible.json(GSON.toJson(json(result)))).append('\n').flush();
    }

    private static JsonObject json(CheckResult result) {
        JsonObject json = new JsonObject();
        json.addProperty("version", VERSION);
        json.addProperty("driver", result.card().driver());
        json.addProperty("device", result.card().device());
        json.addProperty("kernel", result.kernel());
        json.addProperty("qemu", result.qemu());
        json.addProperty("witness", result.calls().label());
        json.add("not_seen", json(result.calls().unseen()));
        json.addProperty("exit_status", result.exitStatus());
        json.addProperty("seconds", seconds(result.time()));
        JsonObject count = new JsonObject();
        for (Outcome outcome : Outcome.values()) count.addProperty(name(outcome), result.count(outcome));
        json.add("count", count);
        JsonArray cells = new JsonArray();
        for (CellResult cell : result.cells()) cells.add(json(cell));
        json.add("cells", cells);
        return json;
    }

    private static JsonObject json(CellResult result) {
        Cell cell = result.cell();
        JsonObject json = new JsonObject();
        json.addProperty("name", cell.name());
        json.addProperty("iommu", cell.setup().iommu().label());
        json.addProperty("bounces", cell.setup().bounces());
        json.addProperty("snoops", cell.setup().snoops());
        if (cell.program() == null) {
            json.addProperty("memory", cell.memory().label());
            json.addProperty("use", cell.use().label());
        } else {
            json.addProperty("program", cell.program());
        }
        json.addProperty("outcome", name(result.outcome()));
        json.addProperty("reason", result.reason());
        json.addProperty("seconds", seconds(result.time()));
        Bytes bytes = result.bytes();
        json.add("bytes", bytes == null ? JsonNull.INSTANCE : json(bytes));
        JsonArray findings = new JsonArray();
        for (Finding finding : result.findings()) findings.add(json(finding));
        json.add("findings", findings);
        JsonArray timeline = new JsonArray();
        for (Timeline.Line line : result.timeline().lines()) timeline.add(json(line));
        json.add("timeline", timeline);
        JsonArray console = new JsonArray();
        result.console().forEach(console::add);
        json.add("console", console);
        return json;
    }

    private static JsonElement json(Bytes bytes) {
        JsonObject json = new JsonObject();
        json.addProperty("buffers", bytes.frames());
        json.addProperty("failed", bytes.failed());
        json.addProperty("right_buffers", bytes.rightFrames());
        JsonObject packets = new JsonObject();
        packets.addProperty("right", bytes.right());
        packets.addProperty("old", bytes.old());
        packets.addProperty("not_written", bytes.wiped());
        packets.addProperty("broken", bytes.other());
        json.add("packets", packets);
        JsonArray differences = new JsonArray();
        for (Difference difference : bytes.differences()) differences.add(json(difference));
        json.add("differences", differences);
        return json;
    }

    private static JsonObject json(Difference difference) {
        JsonObject json = new JsonObject();
        json.addProperty("frame", difference.frame());
        json.addProperty("offset", difference.offset());
        json.addProperty("length", difference.length());
        json.addProperty("expected", difference.expected());
        json.addProperty("found", difference.found());
        return json;
    }

    private static JsonObject json(Finding finding) {
        FindingText text = FindingText.of(finding);
        JsonObject json = new JsonObject();
        json.addProperty("rule", text.rule());
        json.addProperty("says", text.says());
        json.addProperty("source", text.source());
        json.addProperty("severity", text.severity());
        json.addProperty("device", finding.device());
        json.addProperty("buffer", finding.buffer());
        json.addProperty("from", finding.from());
        json.addProperty("length", finding.length());
        json.addProperty("times", finding.times());
        json.addProperty("what", finding.what());
        json.addProperty("site", finding.site());
        json.add("chain", json(finding.chain()));
        json.add("mapped", json(finding.mapped()));
        return json;
    }

    private static JsonArray json(List<String> functions) {
        JsonArray json = new JsonArray();
        functions.forEach(json::add);
        return json;
    }

    private static JsonElement json(Timeline.Line line) {
        return switch (line) {
            case Timeline.Gap gap -> {
                JsonObject json = new JsonObject();
                json.addProperty("left_out", gap.count());
                yield json;
            }
            case Timeline.Event event -> GSON.toJsonTree(event.moment());
        };
    }

    private static double seconds(Duration time) {
        return time.toMillis() / MILLIS;
    }

    private static String name(Outcome outcome) {
        return outcome.name().toLowerCase(Locale.ROOT);
    }
}
