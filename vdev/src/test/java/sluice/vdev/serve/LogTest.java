package sluice.vdev.serve;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

import static org.assertj.core.api.Assertions.assertThat;

final class LogTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final ErrorOutput out = new ErrorOutput(bytes);
    private final Logger ours = new Log("sluice.vdev.Device", out);
    private final Logger others = new Log("sluicegate.Library", out);

    @AfterEach
    void showTheDefault() {
        LogProvider.show(LogLevel.INFO);
    }

    private String written() {
        out.flush(Duration.ofSeconds(20));
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aLineHasItsLevelAndMessage() {
        ours.warn("{} of {}", 3, "four");
        assertThat(written()).isEqualTo("WARNING: 3 of four\n");
    }

    @Test
    void anExceptionFollowsWithItsTrace() {
        ours.error("failed", new IllegalStateException("why"));
        assertThat(written()).startsWith("SEVERE: failed\njava.lang.IllegalStateException: why\n\tat ");
    }

    @Test
    void aLevelHasThoseBeforeItAndLibrariesOnlyWarn() {
        ours.info("a");
        ours.debug("b");
        others.info("c");
        others.warn("d");
        LogProvider.show(LogLevel.parse("finer"));
        ours.debug("e");
        ours.trace("f");
        others.debug("g");
        LogProvider.show(LogLevel.parse("SEVERE"));
        ours.warn("h");
        others.warn("i");
        others.error("j");
        LogProvider.show(LogLevel.OFF);
        ours.error("k");
        assertThat(written()).isEqualTo("INFO: a\nWARNING: d\nFINE: e\nSEVERE: j\n");
    }

    @Test
    void aLoggerIsTheSameForEachWhoAsks() {
        LogProvider provider = new LogProvider();
        provider.initialize();
        Logger first = provider.getLoggerFactory().getLogger("a");
        assertThat(provider.getLoggerFactory().getLogger("a")).isSameAs(first).isNotSameAs(
                provider.getLoggerFactory().getLogger("b"));
    }
}
