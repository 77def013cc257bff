package sluice.guest.junit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.guest.GuestIommu;
import sluice.guest.check.Finding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A stock importer on a card that does not snoop, tested by the extension as its users do: the example of JUNIT.md, and its laws. */
@SluiceMachine(devices = "vfg7350,numbered,bit-rate=24000000,coherency=non-coherent", modules = {
        "saa6752hs", "saa7134", "saa7134-empress" }, compiled = "stream.c")
class ImporterGuestTest {
    private final GuestMachine guest;

    ImporterGuestTest(GuestMachine guest) {
        this.guest = guest;
    }

    @Test
    void itsOwnBuffersAreRight() throws Exception {
        int before = guest.findings().size();
        assertThat(guest.succeed("stream /dev/video1 mmap 10")).anyMatch(line -> line.contains(" failed 0 right 10 "));
        assertThat(guest.findings()).hasSize(before);
    }

    /** The system heap syncs its importers with the direction of the CPU's access. */
    @Test
    void importedBuffersOfTheHeapAreRight() throws Exception {
        assertThat(guest.succeed("stream /dev/video1 heap 10")).anyMatch(line -> line.contains(" failed 0 right 10 "));
        assertThat(guest.findings()).extracting(Finding::rule).containsOnly("D21_SYNC_DIRECTION");
    }

    @Test
    void withoutItsSyncsUserSpaceReadsOldBytesAndTheHintsSayWhy() throws Exception {
        assertThat(guest.run("stream /dev/video1 heap 10 no-sync").lines())
                .anyMatch(line -> line.contains(" right 0 "));
        assertThat(guest.hints()).extracting(Finding::rule).contains("NEVER_FETCHED");
    }

    @Test
    void itsReportCountsWhatItSent() throws Exception {
        guest.succeed("stream /dev/video1 mmap 4");
        assertThat(guest.report(0).getAsJsonObject("dma").get("bytes").getAsLong()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = { "false", "exit 3" })
    void aCommandThatFailsIsReported(String command) {
        assertThatThrownBy(() -> guest.succeed("sh -c '" + command + "'"))
                .isInstanceOf(AssertionError.class).hasMessageContaining("ended with status");
    }

    @Test
    void itHasTheMachineItAskedFor() {
        assertThat(guest.iommu()).isEqualTo(GuestIommu.NONE);
        assertThat(guest.toString()).isEqualTo(guest.kernel() + " kernel, no IOMMU");
    }
}
