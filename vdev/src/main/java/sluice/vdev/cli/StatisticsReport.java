package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import org.HdrHistogram.Histogram;

import sluice.dmacore.memory.IotlbStatistics;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultReason;
import sluice.vdev.gpu.CommandType;
import sluice.vdev.gpu.GpuStatistics;

/** A GPU's statistics as JSON. */
final class StatisticsReport {
    private static final double NANOS_PER_MICRO = 1000;
    private static final double NANOS_PER_MILLI = 1_000_000;

    private StatisticsReport() {}

    static void write(GpuStatistics statistics, IotlbStatistics front, FaultLog faults, Path file) throws IOException {
        JsonObject report = of(statistics);
        report.add("frontIommu", front(front));
        report.add("faults", faults(faults));
        Files.writeString(file, new GsonBuilder().setPrettyPrinting().create().toJson(report) + "\n");
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
