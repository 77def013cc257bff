package sluice.vdev.gpu;

import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Rule;
import sluice.iommu.fault.FaultLog;
import sluice.vdev.device.Report;
import sluice.vdev.report.PrometheusText;
import sluice.vdev.report.ReportedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** The dashboard for Grafana that comes along asks for metrics and labels that there are. */
class DashboardTest {
    private static final Path FILE = Path.of("package", "grafana.json");
    private static final Pattern METRIC = Pattern.compile("sluice_[a-z_]+");
    private static final Pattern LABELS = Pattern.compile("by \\(([a-z, ]+)\\)");

    /** What a GPU that has answered a command tells. */
    private static String metrics() {
        GpuStatistics statistics = new GpuStatistics();
        statistics.command(CommandType.RESOURCE_FLUSH, false, 1000);
        Report report = new Report();
        statistics.register(report);
        DmaCore core = DmaCore.open(DmaCoreOptions.counting());
        core.findings().add(Rule.MAPPED_TWICE, "gpu", "b", 0, 1, "twice");
        return PrometheusText.of(List.of(new ReportedDevice("gpu", report, new FaultLog(4, _ -> {}))), core);
    }

    private static Set<String> all(Pattern pattern, int group, String text) {
        Set<String> found = new TreeSet<>();
        for (MatchResult match : pattern.matcher(text).results().toList()) found.add(match.group(group));
        return found;
    }

    @Test
    void eachPanelShowsWhatThereIs() throws Exception {
        JsonObject dashboard;
        try (Reader in = Files.newBufferedReader(FILE)) {
            dashboard = JsonParser.parseReader(in).getAsJsonObject();
        }
        String metrics = metrics();
        assertThat(dashboard.getAsJsonArray("panels")).hasSizeGreaterThan(5).allSatisfy(panel -> {
            for (JsonElement target : panel.getAsJsonObject().getAsJsonArray("targets")) {
                String query = target.getAsJsonObject().get("expr").getAsString();
                Set<String> names = all(METRIC, 0, query);
                assertThat(names).as(query).hasSize(1);
                String name = names.iterator().next();
                assertThat(metrics).contains("\n# TYPE " + name + " ");
                for (String labels : all(LABELS, 1, query))
                    for (String label : labels.split(", ", -1))
                        assertThat(metrics).containsPattern(name + "\\{[^}]*" + label + "=\"");
                assertThat(query.contains("rate(")).as(query)
                        .isEqualTo(name.endsWith("_total") && !name.equals("sluice_findings_total"));
            }
        });
        assertThat(dashboard.getAsJsonObject("templating").toString())
                .contains("label_values(sluice_device_info, device)");
        assertThat(metrics).contains("sluice_device_info{device=");
    }
}
