package sluice.vdev.trace;

import java.util.Map;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.RecordingHeader;

/** A summary as JSON. All times are in nanoseconds. */
public final class SummaryJson {
    private SummaryJson() {}

    /** The whole summary. */
    public static JsonObject of(Summary summary) {
        RecordingHeader header = summary.header();
        JsonObject json = new JsonObject();
        json.addProperty("pid", header.pid());
        json.addProperty("startEpochNanos", header.startEpochNanos());
        json.addProperty("endedInOrder", header.isClosed());
        json.addProperty("capacity", header.capacity());
        json.addProperty("events", summary.events());
        json.addProperty("nanos", summary.nanos());
        json.add("missed", missed(summary.missed(), header.lost()));
        json.addProperty("namesDamaged", summary.names().isDamaged());
        json.add("kinds", kinds(summary.work()));
        json.add("findings", findings(summary));
        JsonArray buffers = new JsonArray();
        for (BufferStory buffer : summary.buffers()) buffers.add(buffer(buffer, summary));
        json.add("buffers", buffers);
        json.addProperty("eventsOfOtherBuffers", summary.eventsOfOtherBuffers());
        return json;
    }

    private static JsonObject missed(Missed missed, long lost) {
        JsonObject json = new JsonObject();
        json.addProperty("overwritten", missed.overwritten());
        json.addProperty("lost", lost);
        json.addProperty("unfinished", missed.unfinished());
        json.addProperty("cutOff", missed.cutOff());
        json.addProperty("unknown", missed.unknown());
        return json;
    }

    /** By name of the kind, without zeros. */
    private static JsonObject kinds(Work work) {
        JsonObject json = new JsonObject();
        for (EventKind kind : EventKind.values()) {
            if (work.of(kind).events() > 0) json.add(kind.name(), sum(work.of(kind)));
        }
        return json;
    }

    private static JsonObject sum(Sum sum) {
        JsonObject json = new JsonObject();
        json.addProperty("events", sum.events());
        json.addProperty("bytes", sum.bytes());
        json.addProperty("nanos", sum.nanos());
        return json;
    }

    private static JsonObject findings(Summary summary) {
        JsonObject json = new JsonObject();
        for (Map.Entry<Integer, Long> finding : summary.findings().entrySet()) {
            json.addProperty(Details.rule(finding.getKey()), finding.getValue());
        }
        return json;
    }

    private static JsonObject buffer(BufferStory buffer, Summary summary) {
        Work work = buffer.work();
        JsonObject json = new JsonObject();
        json.addProperty("number", buffer.number());
        json.addProperty("name", summary.names().find(buffer.number()));
        json.addProperty("size", buffer.size());
        json.addProperty("lifetimeNanos", buffer.lifetimeNanos());
        json.addProperty("bornHere", buffer.isBornHere());
        json.addProperty("gone", buffer.isGone());
        json.addProperty("attachments", work.of(EventKind.ATTACH).events());
        json.add("transfers", sum(work.transfers()));
        json.add("flushed", sum(work.flushed()));
        json.add("copied", sum(work.copied()));
        json.add("kinds", kinds(work));
        return json;
    }
}
