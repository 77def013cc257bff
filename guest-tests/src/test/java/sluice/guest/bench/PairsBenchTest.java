package sluice.guest.bench;

import java.io.PrintWriter;
import java.io.StringWriter;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

import static org.assertj.core.api.Assertions.assertThat;

class PairsBenchTest {
    private final StringWriter errors = new StringWriter();
    private final CommandLine bench = new CommandLine(new Bench()).setErr(new PrintWriter(errors, true));

    @ParameterizedTest
    @ValueSource(strings = { "--rounds=0", "--millis=0", "--warm-up=-1" })
    void aRoundHasALength(String option) {
        assertThat(bench.execute("pairs", option)).isEqualTo(2);
        assertThat(errors.toString()).contains("must be 1 or more");
    }
}
