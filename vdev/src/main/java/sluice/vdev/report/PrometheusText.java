package sluice.vdev.report;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;

import org.HdrHistogram.AbstractHistogram;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.OwnershipCounters;
import sluice.iommu.fault.FaultLog;
import sluice.iommu.fault.FaultReason;
import sluice.vdev.device.Report;

/**
 * The reports of a process's devices in Prometheus's text format, version 0.0.4 (Prometheus, "Exposition formats"), with names by its
 * conventions ("Metric and label naming"): {@code sluice_}, the words of the report's name, the unit, and {@code _total} behind a
 * counter. Times are in seconds. A device is a label; so is what a report counts separately. Lists have no place in the format.
 */
public final class PrometheusText {
    /** The value of Content-Type. */
    public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
    private static final double NANOS = 1e9;
    private static final double[] QUANTILES = { 0.5, 0.95, 0.99 };

    /** One metric: its lines for all devices are together, as the format demands. */
    private record Family(String help, String type, StringBuilder samples) {}

    private final Map<String, Family> families = new LinkedHashMap<>();

    private PrometheusText() {}

    /** The present values. */
    public static String of(List<ReportedDevice> devices, DmaCore core) {
        PrometheusText text = new PrometheusText();
        for (ReportedDevice device : devices) {
            String label = label("device", device.name());
            text.sample("sluice_device_info", "gauge", "Devices of this process.", "", label, "1");
            for (Report.Metric metric : device.report().metrics()) text.put(label, metric);
            FaultLog faults = device.faults();
            if (faults != null) text.put(label, faults);
        }
        text.put(core);
        return text.toString();
    }

    private void put(String device, Report.Metric metric) {
        String help = "%s: %s".formatted(metric.unit(), metric.help());
        switch (metric) {
            case Report.Single number -> {
                boolean counts = number.kind() == Report.Kind.COUNTER;
                put(metric, help, counts, device, number.value());
            }
            case Report.Labelled numbers -> numbers.values()
                    .forEach((kind, value) -> put(metric, help, true, device + "," + label("kind", kind), value));
            case Report.Distributions times -> times.values().forEach(
                    (kind, nanos) -> put(metric.name(), metric.help(), device + "," + label("kind", kind), nanos));
            case Report.Rows _ -> {
                // No numbers.
            }
        }
    }

    private void put(Report.Metric metric, String help, boolean counts, String labels, LongSupplier value) {
        boolean millis = metric.unit().equals("milliseconds");
        String unit = millis ? "seconds" : metric.unit();
        String words = millis ? metric.name().replace("Millis", "") : metric.name();
        String name = name(words, unit) + (counts ? "_total" : "");
        long number = value.getAsLong();
        sample(name, counts ? "counter" : "gauge", help, "", labels,
                millis ? number(number / 1e3) : Long.toString(number));
    }

    private void put(String name, String help, String labels, AbstractHistogram nanos) {
        if (nanos.getTotalCount() == 0) return;
        String family = name(name.replace("Micros", ""), "seconds");
        for (double quantile : QUANTILES) {
            sample(family, "summary", help, "", labels + "," + label("quantile", Double.toString(quantile)),
                    number(nanos.getValueAtPercentile(quantile * 100) / NANOS));
        }
        sample(family, "summary", help, "_sum", labels, number(nanos.getMean() * nanos.getTotalCount() / NANOS));
        sample(family, "summary", help, "_count", labels, Long.toString(nanos.getTotalCount()));
    }

    private void put(String device, FaultLog faults) {
        for (FaultReason reason : FaultReason.values()) {
            sample("sluice_iommu_faults_total", "counter", "Accesses that the device's address space has refused.", "",
                    device + "," + label("reason", reason.name().toLowerCase(Locale.ROOT)),
                    Long.toString(faults.count(reason)));
        }
    }

    private void put(DmaCore core) {
        Map<Rule, Long> times = new EnumMap<>(Rule.class);
        for (Findings.Counted found : core.findings().all())
            times.merge(found.finding().rule(), found.times(), Long::sum);
        times.forEach((rule, count) -> sample("sluice_findings_total", "counter",
                "Violations of rules of sharing memory.", "", label("rule", rule.name()) + ","
                        + label("severity", rule.severity().name().toLowerCase(Locale.ROOT)),
                Long.toString(count)));
        OwnershipCounters counters = core.totals();
        single("ownership_transfers", "Transfers of memory between the CPU and devices.", counters.transfers());
        single("ownership_coherent_transfers", "Of those, to and from devices that snoop.",
                counters.coherentTransfers());
        single("cache_write_back_requested_bytes", "Of cache lines.", counters.writeBackRequested());
        single("cache_write_back_executed_bytes", "Of cache lines; others were known to be clean.",
                counters.writeBackExecuted());
        seconds("cache_write_back", counters.writeBackNanos());
        single("cache_invalidate_requested_bytes", "Of cache lines.", counters.invalidateRequested());
        single("cache_invalidate_executed_bytes", "Of cache lines; others were known to be absent.",
                counters.invalidateExecuted());
        seconds("cache_invalidate", counters.invalidateNanos());
        single("bounced_bytes", "Copied through bounce buffers.", core.bouncedBytes());
    }

    private void single(String name, String help, long value) {
        sample("sluice_" + name + "_total", "counter", help, "", "", Long.toString(value));
    }

    private void seconds(String name, long nanos) {
        sample("sluice_" + name + "_seconds_total", "counter", "Spent on it.", "", "", number(nanos / NANOS));
    }

    private void sample(String name, String type, String help, String suffix, String labels, String value) {
        Family family = families.computeIfAbsent(name, _ -> new Family(help, type, new StringBuilder()));
        family.samples.append(name).append(suffix);
        if (!labels.isEmpty()) family.samples.append('{').append(labels).append('}');
        family.samples.append(' ').append(value).append('\n');
    }

    private static String number(double value) {
        return Double.toString(value);
    }

    /** {@code copiedBytes.transfer} in bytes is {@code sluice_copied_transfer_bytes}. */
    static String name(String words, String unit) {
        List<String> name = new ArrayList<>(List.of("sluice"));
        String measured = unit.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
        for (String part : words.replace('.', '_').replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT)
                .split("_", -1)) {
            if (!part.equals(measured)) name.add(part);
        }
        name.add(measured);
        return String.join("_", name);
    }

    private static String label(String name, String value) {
        return "%s=\"%s\"".formatted(name,
                value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"));
    }

    /** The format, which ends with a line feed. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        families.forEach((name, family) -> text.append("# HELP ").append(name).append(' ')
                .append(family.help.replace("\\", "\\\\").replace("\n", "\\n")).append("\n# TYPE ").append(name)
                .append(' ').append(family.type).append('\n').append(family.samples));
        return text.toString();
    }
}
