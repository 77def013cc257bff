package sluice.vdev.device;

import java.util.Map;

import org.HdrHistogram.AtomicHistogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** What a device may tell of itself. */
class ReportTest {
    private final Report report = new Report();

    @Test
    void metricsKeepTheirOrderAndTheirValuesAreOfNow() {
        Counter frames = new Counter();
        report.counter("frames", "frames", "Shown.", frames);
        report.gauge("queue.length", "commands", "Waiting.", () -> 7);
        report.counters("commands", "commands", "By type.", Map.of("FLUSH", () -> 3));
        AtomicHistogram times = new AtomicHistogram(1_000_000, 2);
        report.distributions("latencies", "By type.", Map.of("FLUSH", times));
        frames.increment();
        frames.add(41);
        assertThat(report.metrics()).extracting(Report.Metric::name).containsExactly("frames", "queue.length",
                "commands", "latencies");
        assertThat(((Report.Single) report.metrics().getFirst()).value().getAsLong()).isEqualTo(42);
        assertThat(report.metrics().getLast().unit()).isEqualTo("nanoseconds");
    }

    @Test
    void aNameIsRegisteredOnce() {
        report.counter("frames", "frames", "Shown.", () -> 1);
        assertThatIllegalArgumentException().isThrownBy(() -> report.gauge("frames", "frames", "Shown.", () -> 2))
                .withMessage("frames is registered twice");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", ".", "a.", ".a", "a b", "1a", "a..b", "a-b" })
    void aNameIsAPathOfWords(String name) {
        assertThatIllegalArgumentException().isThrownBy(() -> report.counter(name, "frames", "Shown.", () -> 1))
                .withMessageContaining("not a path of words");
    }
}
