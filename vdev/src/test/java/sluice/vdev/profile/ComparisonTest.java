package sluice.vdev.profile;

import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What two profiles have in common, and costs elsewhere. */
class ComparisonTest {
    private static final long MILLI = 1_000_000;
    private static final int FRAMES = 20;

    @TempDir
    private Path folder;

    private Profile profile(String name, Stage slow, long nanos) throws Exception {
        StagedDevice device = new StagedDevice(folder.resolve(name), RingKind.SPLIT, 4096);
        try (device) {
            device.frame(); // classes are loaded in the first
            device.slow(slow, nanos);
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        return device.folder().read();
    }

    @Test
    void whatMattersMostIsFirst() throws Exception {
        List<Comparison.Line> lines = Comparison.of(profile("before", Stage.COPY, MILLI),
                profile("after", Stage.COPY, 4 * MILLI));
        assertThat(lines.subList(0, 2)).extracting(Comparison.Line::stage).containsExactlyInAnyOrder("busy", "copy");
        Comparison.Line copy = lines.stream().filter(line -> line.stage().equals("copy")).findFirst().orElseThrow();
        assertThat(copy.device()).isEqualTo("staged");
        assertThat(copy.ratio()).isGreaterThan(1.3);
        assertThat(copy.before()).isGreaterThanOrEqualTo(0.9 * MILLI);
        assertThat(Comparison.text(lines)).startsWith("device").contains("staged           copy", "spread");
    }

    @Test
    void aDifferenceWithinTheSpreadIsNone() {
        assertThat(new Comparison.Line("gpu", "copy", 100, 120, 0.3).isClear()).isFalse();
        assertThat(new Comparison.Line("gpu", "copy", 100, 150, 0.3).isClear()).isTrue();
        assertThat(new Comparison.Line("gpu", "copy", 0, 150, 0.3).ratio()).isInfinite();
        assertThat(new Comparison.Line("gpu", "copy", 0, 0, 0).ratio()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "copy", "copy=", "copy=-1", "copy=NaN", "copy=2e9", "other=1", "copy=1,,map=2" })
    void figuresThatAreNoneAreRefused(String text) {
        assertThatThrownBy(() -> CostModel.parse(text)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("write-back=N, invalidate=N, barrier=N, map=N, copy=N");
    }

    @Test
    void aFigureThatIsMissingIsNamed() {
        assertThat(CostModel.PRESETS).allSatisfy(machine -> assertThat(machine.sources()).isNotBlank());
        CostModel copies = CostModel.parse("copy=7");
        assertThat(copies.copyKib()).isEqualTo(7);
        assertThat(copies.map()).isNaN();
        assertThat(copies.of(new Tally())).isEqualTo(new CostModel.Cost(0, ""));
    }

    @Test
    void quantilesAreThoseOfTheNearestRank() {
        Samples samples = new Samples();
        assertThat(samples.quantile(0.5)).isZero();
        for (int i = 100; i > 0; i--) samples.add(i);
        assertThat(samples.quantile(0.5)).isEqualTo(50);
        assertThat(samples.quantile(0.99)).isEqualTo(99);
        assertThat(samples.quantile(1)).isEqualTo(100);
        assertThat(samples.quantile(0)).isEqualTo(1);
        for (int i = 0; i < 300_000; i++) samples.add(7);
        assertThat(samples.count()).isEqualTo(300_100);
        assertThat(samples.quantile(0.5)).isEqualTo(7);
    }
}
