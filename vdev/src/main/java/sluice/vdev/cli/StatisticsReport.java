package sluice.vdev.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.HdrHistogram.Histogram;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.IotlbStatistics;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultReason;
import sluice.vdev.gpu.CommandType;
import sluice.vdev.gpu.GpuStatistics;

/** A GPU's statistics as JSON. */
final class StatisticsReport {
    private static final double NANOS_PER_MICRO = 1000;
    private static final double NANOS_PER_MILLI = 1_000_000;

    private StatisticsReport() {}

    /** All of it as it is now, for a file; to be called on the device's loop. */
    static String text(GpuStatistics statistics, IotlbStatistics front, FaultLog faults, DmaCore core) {
        JsonObject report = of(statistics);
        report.add("frontIommu", front(front));
        report.add("faults", faults(faults));
        report.add("ownership", ownership(core.totals()));
        report.add("findings", findings(core.findings()));
        return text(report);
    }

    /** A report as it stands in a file. */
    static String text(JsonObject report) {
        return new GsonBuilder().setPrettyPrinting().create().toJson(report) + "\n";
    }

    private static JsonObject front(IotlbStatistics statistics) {
        JsonObject report = new JsonObject();
        report.addProperty("misses", statistics.misses());
        report.addProperty("refusedMisses", statistics.refused());
        report.addProperty("faults", statistics.faults());
        report.addProperty("waitedMillis", statistics.waitedNanos() / NANOS_PER_MILLI);
        report.addProperty("exactInvalidations", statistics.exactInvalidations());
        report.addProperty("wholesaleInvalidations", statistics.wholesaleInvalidations());
        report.addProperty("droppedEntries", statistics.droppedEntries());
        return report;
    }

    /** What transfers of ownership have cost, in bytes of cache lines. */
    static JsonObject ownership(OwnershipCounters counters) {
        JsonObject report = new JsonObject();
        report.addProperty("coherentTransfers", counters.coherentTransfers());
        report.addProperty("transfers", counters.transfers());
        report.addProperty("writeBackRequested", counters.writeBackRequested());
        report.addProperty("writeBackExecuted", counters.writeBackExecuted());
        report.addProperty("writeBackMillis", counters.writeBackNanos() / NANOS_PER_MILLI);
        report.addProperty("invalidateRequested", counters.invalidateRequested());
        report.addProperty("invalidateExecuted", counters.invalidateExecuted());
        report.addProperty("invalidateMillis", counters.invalidateNanos() / NANOS_PER_MILLI);
        return report;
    }

    /** Each mistake that was found, and how often. */
    static JsonArray findings(Findings findings) {
        JsonArray report = new JsonArray();
        for (Findings.Counted counted : findings.all()) {
            Finding finding = counted.finding();
            if (finding.rule().severity() != Rule.Severity.ERROR) continue;
            JsonObject one = new JsonObject();
            one.addProperty("rule", finding.rule().name());
            one.addProperty("times", counted.times());
            one.addProperty("device", finding.device());
            one.addProperty("buffer", finding.buffer());
            one.addProperty("from", finding.from());
            one.addProperty("length", finding.length());
            one.addProperty("what", finding.what());
            report.add(one);
        }
        return report;
    }

    /** Faults by reason, those that there were. */
    static JsonObject faults(FaultLog log) {
        JsonObject report = new JsonObject();
        for (FaultReason reason : FaultReason.values()) {
            if (log.count(reason) > 0) report.addProperty(reason.name(), log.count(reason));
        }
        return report;
    }

    static JsonObject of(GpuStatistics statistics) {
        JsonObject report = new JsonObject();
        report.addProperty("frames", statistics.frames());
        JsonObject commands = new JsonObject();
        JsonObject latencies = new JsonObject();
        for (CommandType type : CommandType.values()) {
            if (statistics.count(type) == 0) continue;
            commands.addProperty(type.name(), statistics.count(type));
            latencies.add(type.name(), latency(statistics.latency(type)));
        }
        report.add("commands", commands);
        report.addProperty("unknownCommands", statistics.unknownCommands());
        report.addProperty("refusedCommands", statistics.refusedCommands());
        JsonObject copied = new JsonObject();
        copied.addProperty("transfer", statistics.transferBytes());
        copied.addProperty("update", statistics.updateBytes());
        copied.addProperty("cursor", statistics.cursorBytes());
        report.add("copiedBytes", copied);
        report.add("latencyMicros", latencies);
        return report;
    }

    private static JsonObject latency(Histogram nanos) {
        JsonObject json = new JsonObject();
        json.addProperty("p50", nanos.getValueAtPercentile(50) / NANOS_PER_MICRO);
        json.addProperty("p99", nanos.getValueAtPercentile(99) / NANOS_PER_MICRO);
        json.addProperty("max", nanos.getMaxValue() / NANOS_PER_MICRO);
        return json;
    }
}
