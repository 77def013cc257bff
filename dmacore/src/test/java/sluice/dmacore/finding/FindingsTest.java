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
    void theSameFindingKeepsAllItsRanges() {
        long[][] ranges = { { 128, 64 }, { 0, 64 }, { 1000, 1 }, { 64, 10 }, { 190, 20 }, { 0, 0 } };
        for (long[] range : ranges)
            findings.add(Rule.MISSING_SYNC_FOR_DEVICE, "display", "frame", range[0], range[1], "read");
        assertThat(findings.all()).singleElement().satisfies(counted -> {
            assertThat(counted.finding().from()).as("as it was first").isEqualTo(128);
            assertThat(counted.times()).isEqualTo(6);
            assertThat(counted.ranges()).containsExactly(new Findings.Range(0, 74), new Findings.Range(128, 82),
                    new Findings.Range(1000, 1));
            assertThat(counted.rangesBeyond()).isZero();
        });
        assertThat(findings.report()).startsWith("6 times ").endsWith("; of [0x0, 0x49], [0x80, 0xd1], [0x3e8, 0x3e8]");
    }

    @Test
    void rangesThatFindNoRoomAreCounted() {
        for (int i = 0; i < FoundRanges.MOST + 3; i++)
            findings.add(Rule.MISSING_SYNC_FOR_DEVICE, "display", "frame", 128L * i, 64, "read");
        assertThat(findings.all()).singleElement().satisfies(counted -> {
            assertThat(counted.ranges()).hasSize(FoundRanges.MOST);
            assertThat(counted.rangesBeyond()).isEqualTo(3);
        });
        assertThat(findings.report()).endsWith(" and others");
        findings.add(Rule.MISSING_SYNC_FOR_DEVICE, "display", "frame", 64, 64, "it joins two, at another place");
        assertThat(findings.all()).hasSize(2);
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
                                + "accesses only memory that was transferred to it; Documentation/core-api/dma-api.rst: ");
        assertThat(findings.report().lines().toList().getLast())
                .startsWith("REDUNDANT_SYNC: the CPU had them already: display, frame (a redundant sync");
        assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
    }

    /** A recording has all of them, including those beyond the limit here. */
    @Test
    void aFollowerIsToldEachTimeAndAListenerOnce() {
        List<String> followed = new ArrayList<>();
        List<String> first = new ArrayList<>();
        List<String> second = new ArrayList<>();
        findings.listen(finding -> first.add(finding.buffer()));
        findings.listen(finding -> second.add(finding.buffer()));
        List<Rule> followedToo = new ArrayList<>();
        findings.follow((rule, _, _, _) -> followedToo.add(rule));
        findings.follow((rule, subject, from, length) -> followed
                .add("%s %s %d %s %d %d %d".formatted(rule, subject.device(), subject.attachment(), subject.buffer(),
                        subject.number(), from, length)));
        Subject subject = new Subject("gpu", 3, "frame", 5);
        for (int i = 0; i < 2; i++) findings.add(Rule.REDUNDANT_SYNC, subject, 64, 128, "twice");
        assertThat(followed).containsExactly("REDUNDANT_SYNC gpu 3 frame 5 64 128",
                "REDUNDANT_SYNC gpu 3 frame 5 64 128");
        assertThat(followedToo).containsExactly(Rule.REDUNDANT_SYNC, Rule.REDUNDANT_SYNC);
        findings.only("codec"::equals);
        missing("display", "frame");
        assertThat(followed).as("not of a device that nobody wants").hasSize(2);
        for (int i = 1; i <= Findings.CAPACITY; i++) missing("codec", "frame " + i);
        assertThat(findings.beyondCapacity()).isEqualTo(1);
        assertThat(followed).hasSize(2 + Findings.CAPACITY);
        assertThat(first).hasSize(Findings.CAPACITY).startsWith("frame", "frame 1").isEqualTo(second);
        findings.clear();
        assertThat(findings.beyondCapacity()).isZero();
        missing("codec", "frame 1");
        assertThat(first).as("new again").hasSize(Findings.CAPACITY + 1);
    }

    @Test
    void aFindingOfNoDeviceAndNoRangeNamesNeither() {
        findings.add(Rule.FENCE_LATE, "", "gpu0 ring 0", 0, 0, "late");
        assertThat(findings.all().getFirst().finding().toString()).startsWith("FENCE_LATE: late: gpu0 ring 0 (")
                .contains("; at sluice.dmacore.finding.FindingsTest.aFindingOfNoDevice");
        assertThat(findings.times(Rule.FENCE_NOT_WAITED)).isZero();
    }
}
