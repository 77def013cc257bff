package sluice.dmacore.finding;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Findings: the same one once, those of wanted devices, and no more than there is room for. */
class FindingsTest {
    private final Findings findings = new Findings();

    private void missing(String device, String buffer) {
        findings.add(Rule.MISSING_SYNC_FOR_DEVICE, device, buffer, 64, 128, "read while the CPU owns it");
    }

    @Test
    void theSameFindingFromTheSamePlaceIsCounted() {
        List<Finding> told = new ArrayList<>();
        findings.listen(told::add);
        for (int i = 0; i < 5; i++) missing("display", "frame");
        missing("gpu", "frame");
        missing("gpu", "other");
        assertThat(findings.all()).extracting(Findings.Counted::times).containsExactly(5L, 1L, 1L);
        assertThat(findings.times(Rule.MISSING_SYNC_FOR_DEVICE)).isEqualTo(7);
        assertThat(told).as("told when it is new").hasSize(3);
        findings.clear();
        assertThat(findings.all()).isEmpty();
        assertThat(findings.report()).isEmpty();
    }

    @Test
    void anotherPlaceInTheProgramIsAnotherFinding() {
        findings.add(Rule.REDUNDANT_SYNC, "display", "frame", 0, 64, "here");
        findings.add(Rule.REDUNDANT_SYNC, "display", "frame", 0, 64, "and here");
        assertThat(findings.all()).hasSize(2).extracting(counted -> counted.finding().site())
                .allSatisfy(site -> assertThat(site).startsWith("sluice.dmacore.finding.FindingsTest.another"))
                .doesNotHaveDuplicates();
    }

    @Test
    void onlyWantedDevicesAreKeptAndThoseOfNoDeviceAlways() {
        findings.only("codec"::equals);
        missing("display", "frame");
        missing("codec", "frame");
        missing("", "frame");
        assertThat(findings.all()).extracting(counted -> counted.finding().device()).containsExactly("codec", "");
        findings.only(_ -> true);
        missing("display", "frame");
        assertThat(findings.all()).hasSize(3);
    }

    @Test
    void thereIsRoomForSoManyAndTheRestIsCounted() {
        for (int i = 0; i < Findings.CAPACITY + 10; i++) missing("display", "frame " + i);
        assertThat(findings.all()).hasSize(Findings.CAPACITY);
        assertThat(findings.beyondCapacity()).isEqualTo(10);
        missing("display", "frame 0");
        assertThat(findings.beyondCapacity()).as("one that is known has room").isEqualTo(10);
        assertThat(findings.report()).endsWith("\nand 10 more, which were not kept").contains("2 times MISSING");
    }

    @Test
    void aReportNamesRuleRangeAndSourceWithMistakesFirst() {
        findings.add(Rule.REDUNDANT_SYNC, "display", "frame", 0, 0, "the CPU had them already");
        missing("display", "frame");
        missing("display", "frame");
        assertThat(findings.report().lines()).hasSize(2);
        assertThat(findings.report().lines().toList().getFirst())
                .startsWith(
                        "2 times MISSING_SYNC_FOR_DEVICE: read while the CPU owns it: display, frame [0x40, 0xbf] (a device "
                                + "touches what was transferred to it; Documentation/core-api/dma-api.rst: ");
        assertThat(findings.report().lines().toList().getLast())
                .startsWith("REDUNDANT_SYNC: the CPU had them already: display, frame (a transfer that");
        assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
    }
}
