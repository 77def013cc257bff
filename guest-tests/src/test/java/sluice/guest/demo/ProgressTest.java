package sluice.guest.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.io.StringWriter;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

class ProgressTest {
    @Test
    void stepsAreTimedInOrder() {
        StringWriter text = new StringWriter();
        try (Progress progress = new Progress(new PrintWriter(text))) {
            progress.step("one");
            progress.note("a detail");
            progress.step("two");
            assertThat(progress.steps().keySet()).containsExactly("one", "two");
        }
        assertThat(text.toString().lines()).satisfiesExactly(
                line -> assertThat(line).matches("\\[ +\\d+\\.\\d s\\] one"),
                line -> assertThat(line).endsWith("]   a detail"), line -> assertThat(line).endsWith("] two"));
    }

    /** The line itself is waited for; the limit only ends a failure. */
    @Test
    @Timeout(20)
    void silenceIsBrokenWithinTwoSeconds() throws IOException {
        try (PipedReader reader = new PipedReader();
                BufferedReader lines = new BufferedReader(reader);
                PrintWriter writer = new PrintWriter(new PipedWriter(reader));
                Progress progress = new Progress(writer)) {
            progress.step("waiting");
            long start = System.nanoTime();
            assertThat(lines.readLine()).endsWith("] waiting");
            assertThat(lines.readLine()).endsWith("]   ... still waiting");
            assertThat(System.nanoTime() - start).isLessThan(10_000_000_000L);
        }
    }
}
