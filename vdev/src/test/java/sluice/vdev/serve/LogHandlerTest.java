package sluice.vdev.serve;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.LogRecord;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

final class LogHandlerTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final ErrorOutput out = new ErrorOutput(bytes);
    private final LogHandler handler = new LogHandler(out);

    private String written(LogRecord line) {
        handler.publish(line);
        out.flush(Duration.ofSeconds(20));
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aLineHasItsLevelAndMessage() {
        LogRecord line = new LogRecord(Level.WARNING, "{0} of {1}");
        line.setParameters(new Object[]{ 3, "four" });
        assertThat(written(line)).isEqualTo("WARNING: 3 of four\n");
    }

    @Test
    void anExceptionFollowsWithItsTrace() {
        LogRecord line = new LogRecord(Level.SEVERE, "failed");
        line.setThrown(new IllegalStateException("why"));
        assertThat(written(line)).startsWith("SEVERE: failed\njava.lang.IllegalStateException: why\n\tat ");
    }
}
