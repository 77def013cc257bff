package sluice.vdev.report;

import java.util.List;
import java.util.Locale;
import java.util.Map;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Rule;
import sluice.iommu.fault.FaultLog;
import sluice.vdev.device.Report;

/**
 * The state of a process for a page that shows it: all reports with their units and descriptions, flat, so that a page needs to know
 * no device.
 */
public final class StateJson {
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    private StateJson() {}

    /**
     * An object: {@code devices}, each with {@code name}, {@code metrics} and {@code faults}; {@code ownership}; {@code findings} and {@code hints}
     * as in a device's report, and {@code findingsBeyond}, those that were only counted. A metric has {@code name}, {@code unit}, {@code
     * help}, {@code kind} (counter, gauge, counters, times, rows) and its {@code value}, {@code values} by label, or {@code rows}.
     */
    public static JsonObject of(List<ReportedDevice> devices, DmaCore core) {
        JsonObject state = new JsonObject();
        JsonArray all = new JsonArray();
        for (ReportedDevice device : devices) all.add(device(device));
        state.add("devices", all);
        state.add("ownership", JsonReport.ownership(core.totals()));
        state.add("findings", JsonReport.findings(core.findings(), Rule.Severity.ERROR));
        state.add("hints", JsonReport.findings(core.findings(), Rule.Severity.HINT));
        state.addProperty("findingsBeyond", core.findings().beyondCapacity());
        return state;
    }

    private static JsonObject device(ReportedDevice device) {
        JsonObject json = new JsonObject();
        json.addProperty("name", device.name());
        JsonArray metrics = new JsonArray();
        for (Report.Metric metric : device.report().metrics()) metrics.add(metric(metric));
        json.add("metrics", metrics);
        FaultLog faults = device.faults();
        json.add("faults", faults == null ? new JsonObject() : JsonReport.faults(faults));
        return json;
    }

    private static JsonObject metric(Report.Metric metric) {
        JsonObject json = new JsonObject();
        json.addProperty("name", metric.name());
        json.addProperty("unit", metric.unit());
        json.addProperty("help", metric.help());
        switch (metric) {
            case Report.Single number -> {
                json.addProperty("kind", number.kind().name().toLowerCase(Locale.ROOT));
                json.addProperty("value", number.value().getAsLong());
            }
            case Report.Labelled numbers -> {
                json.addProperty("kind", "counters");
                JsonObject values = new JsonObject();
                numbers.values().forEach((label, value) -> values.addProperty(label, value.getAsLong()));
                json.add("values", values);
            }
            case Report.Distributions times -> {
                json.addProperty("kind", "times");
                json.add("values", JsonReport.distributions(times.values()));
            }
            case Report.Rows rows -> {
                json.addProperty("kind", "rows");
                json.add("rows", rows(rows.rows().get()));
            }
        }
        return json;
    }

    private static JsonArray rows(List<Map<String, Object>> rows) {
        return GSON.toJsonTree(rows).getAsJsonArray();
    }

    /** Its text, in one line. */
    public static String text(JsonObject json) {
        return GSON.toJson(json);
    }
}
