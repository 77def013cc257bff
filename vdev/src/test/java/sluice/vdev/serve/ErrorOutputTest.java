package sluice.vdev.serve;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ErrorOutputTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final CountDownLatch blocked = new CountDownLatch(1);
    private final CountDownLatch read = new CountDownLatch(1);
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final ErrorOutput output = new ErrorOutput(new Unread());

    /** A pipe that is full until it is read. */
    private final class Unread extends OutputStream {
        @Override
        public void write(int one) {
            throw new AssertionError("bytes come in lines");
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            blocked.countDown();
            try {
                read.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            written.write(bytes, offset, length);
        }
    }

    private List<String> lines() {
        return written.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void nobodyWaitsForAReaderThatDoesNotRead() throws Exception {
        output.write("first\n");
        blocked.await();
        int more = 100_000;
        for (int i = 0; i < more; i++) output.write("line " + i + "\n");
        assertThat(output.flush(Duration.ofMillis(50))).isFalse();
        read.countDown();
        assertThat(output.flush(LIMIT)).isTrue();
        assertThat(lines()).hasSize(1 + 1 + ErrorOutput.MOST_LINES).startsWith("first",
                (more - ErrorOutput.MOST_LINES) + " lines were dropped: standard error was not read", "line 0")
                .endsWith("line " + (ErrorOutput.MOST_LINES - 1));
    }

    @Test
    void whatIsLoggedArrivesAsItWas() {
        read.countDown();
        Log log = new Log("sluice", output);
        log.debug("not told");
        log.warn("told");
        assertThat(output.flush(LIMIT)).isTrue();
        assertThat(written.toString(StandardCharsets.UTF_8)).contains("WARNING: told").doesNotContain("not told");
    }
}
