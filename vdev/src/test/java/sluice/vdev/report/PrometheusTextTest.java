package sluice.vdev.report;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

import org.HdrHistogram.AtomicHistogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Rule;
import sluice.iommu.fault.FaultLog;
import sluice.vdev.device.Report;

import static org.assertj.core.api.Assertions.assertThat;

class PrometheusTextTest {
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting());
    private final Report report = new Report();

    private String text() {
        return PrometheusText.of(List.of(new ReportedDevice("gpu", report, null),
                new ReportedDevice("gpu-2", report, new FaultLog(4, fault -> {}))), core);
    }

    @ParameterizedTest
    @CsvSource({ "frames, frames, sluice_frames", "copiedBytes.transfer, bytes, sluice_copied_transfer_bytes",
            "frontIommu.misses, pages, sluice_front_iommu_misses_pages", "dma.bytes, bytes, sluice_dma_bytes" })
    void namesFollowTheConventions(String name, String unit, String expected) {
        assertThat(PrometheusText.name(name, unit)).isEqualTo(expected);
    }

    /** One of each kind. */
    private void fill() {
        Map<String, LongSupplier> counts = new LinkedHashMap<>();
        counts.put("FLUSH", () -> 2);
        counts.put("a\"b\\c\nd", () -> 1);
        report.counter("frames", "frames", "Shown.\\", () -> 7);
        report.gauge("space.mappedBytes", "bytes", "Now.", () -> 1L << 40);
        report.counters("commands", "commands", "By type.", counts);
        report.counter("frontIommu.waitedMillis", "milliseconds", "Waited.", () -> 1500);
        AtomicHistogram times = new AtomicHistogram(10_000_000_000L, 3);
        for (int i = 1; i <= 100; i++) times.recordValue(i * 1_000_000L);
        report.distributions("latencyMicros", "Of commands.",
                Map.of("FLUSH", times, "NEVER", new AtomicHistogram(1000, 2)));
        report.rows("timeline", "No numbers.", List::of);
        core.findings().add(Rule.MAPPED_TWICE, "gpu", "b", 0, 1, "twice");
        core.findings().add(Rule.MAPPED_TWICE, "other", "c", 0, 1, "twice");
    }

    @Test
    void eachKindHasItsType() {
        fill();
        assertThat(text()).contains("""
                # HELP sluice_frames_total frames: Shown.\\\\
                # TYPE sluice_frames_total counter
                sluice_frames_total{device="gpu"} 7
                sluice_frames_total{device="gpu-2"} 7
                """, """
                # TYPE sluice_space_mapped_bytes gauge
                sluice_space_mapped_bytes{device="gpu"} 1099511627776
                """, "sluice_commands_total{device=\"gpu\",kind=\"a\\\"b\\\\c\\nd\"} 1\n",
                "sluice_front_iommu_waited_seconds_total{device=\"gpu\"} 1.5\n", """
                        # TYPE sluice_latency_seconds summary
                        sluice_latency_seconds{device="gpu",kind="FLUSH",quantile="0.5"} 0.0500""",
                "sluice_latency_seconds_count{device=\"gpu\",kind=\"FLUSH\"} 100\n",
                "sluice_latency_seconds_sum{device=\"gpu\",kind=\"FLUSH\"} 5.0499",
                "sluice_findings_total{rule=\"MAPPED_TWICE\",severity=\"hint\"} 2\n",
                "sluice_iommu_faults_total{device=\"gpu-2\",reason=\"").doesNotContain("NEVER", "timeline",
                        "faults_total{device=\"gpu\",");
    }

    /** The grammar of the format: a family's lines are together, and no sample is there twice. */
    @Test
    void familiesAreTogether() {
        fill();
        Set<String> families = new HashSet<>();
        Set<String> samples = new HashSet<>();
        String family = "";
        for (String line : text().split("\n", -1)) {
            if (line.startsWith("# HELP ")) {
                family = line.split(" ", -1)[2];
                assertThat(families.add(family)).as(family).isTrue();
            } else if (line.startsWith("# TYPE ")) {
                assertThat(line.split(" ", -1)[2]).isEqualTo(family);
            } else if (!line.isEmpty()) {
                assertThat(line).startsWith(family)
                        .matches("[a-z_0-9]+(\\{([a-z]+=\"([^\"\\\\]|\\\\.)*\",?)+})? -?[0-9.eE+-]+");
                assertThat(samples.add(line.substring(0, line.lastIndexOf(' ')))).as(line).isTrue();
            }
        }
    }
}
