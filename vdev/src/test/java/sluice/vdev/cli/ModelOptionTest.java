package sluice.vdev.cli;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Flavour;
import sluice.dmacore.trace.TraceSink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Options for the cache model and findings. */
class ModelOptionTest {
    private static DmaCore core(String... arguments) {
        return CommandLine.populateCommand(new ModelOption(), arguments)
                .open(new RecordOption.Open(TraceSink.NONE, null), true);
    }

    @Test
    void nothingIsSaidAndAllIsFound() {
        DmaCore core = core();
        assertThat(core.options().flavour()).isEqualTo(Flavour.ARM64);
        assertThat(core.options().heldLong()).isZero();
        assertThat(core.options().executor()).isInstanceOf(ShadowCaches.class);
        core.findings().add(Rule.MISSING_SYNC_FOR_DEVICE, "gpu", "resource 7", 0, 64, "a mistake");
        assertThat(core.findings().errors()).hasSize(1);
    }

    @Test
    void whatIsSaidIsDone() {
        DmaCore core = core("--flavour=arc", "--held-long=50", "--findings-of=grabber", "--eviction=seeded:0x2a");
        assertThat(core.options().flavour()).isEqualTo(Flavour.ARC);
        assertThat(core.options().heldLong()).hasMillis(50);
        core.findings().add(Rule.MISSING_SYNC_FOR_DEVICE, "gpu", "resource 7", 0, 64, "a mistake");
        assertThat(core.findings().all()).isEmpty();
        core.findings().add(Rule.MISSING_SYNC_FOR_DEVICE, "grabber", "0x10000", 0, 64, "a mistake");
        assertThat(core.findings().errors()).hasSize(1);
    }

    @Test
    void withoutDevicesThatDoNotSnoopThereIsNoModel() {
        DmaCore core = new ModelOption().open(new RecordOption.Open(TraceSink.NONE, null), false);
        assertThat(core.options().executor()).isSameAs(CacheExecutor.NONE);
    }

    @ParameterizedTest
    @CsvSource({ "--flavour=mips,give arm64 or arc", "--eviction=never,'give lazy, eager or seeded:N'",
            "--eviction=seeded:x,the seed is not a number", "--held-long=-1,give 0 or more" })
    void whatIsNoneIsRefused(String argument, String sentence) {
        ModelOption option = CommandLine.populateCommand(new ModelOption(), argument);
        assertThatThrownBy(option::check).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(argument).hasMessageContaining(sentence);
    }
}
