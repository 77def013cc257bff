package sluice.vdev.report;

import java.util.Map;
import java.util.function.LongSupplier;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import org.HdrHistogram.AbstractHistogram;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultReason;
import sluice.vdev.device.Report;

/**
 * A device's report as JSON: dots in names separate nested objects, times are in microseconds. Values registered by the
 * device and its host are followed by the faults of its address space, and by the values of all devices of the process:
 * ownership transfers and findings.
 */
public final class JsonReport {
    private static final double NANOS_PER_MICRO = 1000;
    private static final double NANOS_PER_MILLI = 1_000_000;

    private static final Gson PLAIN = new Gson();

    private JsonReport() {}

    /** The current report, for a file. */
    public static String text(Report report, @Nullable FaultLog faults, DmaCore core) {
        JsonObject all = new JsonObject();
        for (Report.Metric metric : report.metrics()) put(all, metric);
        if (faults != null) all.add("faults", faults(faults));
        all.add("ownership", ownership(core.totals()));
        all.add("findings", findings(core.findings(), Rule.Severity.ERROR));
        all.add("hints", findings(core.findings(), Rule.Severity.HINT));
        all.addProperty("findings_beyond", core.findings().beyondCapacity());
        return new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(all) + "\n";
    }

    private static void put(JsonObject root, Report.Metric metric) {
        String[] words = metric.name().split("\\.");
        JsonObject at = root;
        for (int i = 0; i < words.length - 1; i++) {
            if (!at.has(words[i])) at.add(words[i], new JsonObject());
            at = at.getAsJsonObject(words[i]);
        }
        String last = words[words.length - 1];
        switch (metric) {
            case Report.Single number -> at.addProperty(last, number.value().getAsLong());
            case Report.Labelled numbers -> at.add(last, numbers(numbers.values()));
            case Report.Rows rows -> at.add(last, PLAIN.toJsonTree(rows.rows().get()));
            case Report.Distributions distributions -> at.add(last, distributions(distributions.values()));
        }
    }

    private static JsonObject numbers(Map<String, LongSupplier> values) {
        JsonObject json = new JsonObject();
        values.forEach((label, value) -> {
            long number = value.getAsLong();
            if (number != 0) json.addProperty(label, number);
        });
        return json;
    }

    static JsonObject distributions(Map<String, AbstractHistogram> values) {
        JsonObject json = new JsonObject();
        values.forEach((label, nanos) -> {
            if (nanos.getTotalCount() > 0) json.add(label, distribution(nanos));
        });
        return json;
    }

    private static JsonObject distribution(AbstractHistogram nanos) {
        JsonObject json = new JsonObject();
        json.addProperty("p50", nanos.getValueAtPercentile(50) / NANOS_PER_MICRO);
        json.addProperty("p99", nanos.getValueAtPercentile(99) / NANOS_PER_MICRO);
        json.addProperty("max", nanos.getMaxValue() / NANOS_PER_MICRO);
        return json;
    }

    /** The cost of ownership transfers, in bytes of cache lines. */
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

    /** Each finding with its count. */
    static JsonArray findings(Findings findings, Rule.Severity severity) {
        JsonArray report = new JsonArray();
        for (Findings.Counted counted : findings.all()) {
            Finding finding = counted.finding();
            if (finding.rule().severity() != severity) continue;
            JsonObject one = new JsonObject();
            one.addProperty("rule", finding.rule().name());
            one.addProperty("times", counted.times());
            one.addProperty("device", finding.device());
            one.addProperty("buffer", finding.buffer());
            one.addProperty("from", finding.from());
            one.addProperty("length", finding.length());
            one.addProperty("what", finding.what());
            one.addProperty("site", finding.site());
            one.addProperty("chain", finding.chain());
            report.add(one);
        }
        return report;
    }

    /** Faults by reason, without zero counts. */
    static JsonObject faults(FaultLog log) {
        JsonObject report = new JsonObject();
        for (FaultReason reason : FaultReason.values()) {
            if (log.count(reason) > 0) report.addProperty(reason.name(), log.count(reason));
        }
        return report;
    }
}
