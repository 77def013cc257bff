package sluice.guest.check;

import java.time.Duration;
import java.util.List;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** What a cell says of faults that were injected into its card. */
class InjectedFaultsTest {
    private static final InjectedFaults BEFORE = read("{}");
    private static final InjectedFaults AFTER = read("""
            {"injected":{"--inject=lost-interrupt,from=40,count=1":1,"--inject=poison,first=0x1000,last=0x1fff":3},
             "injectedAt":{"--inject=lost-interrupt,from=40,count=1":40}}""");
    private static final String LOST = "inject=lost-interrupt,from=40,count=1 has happened, at interrupt 40";

    private static InjectedFaults read(String report) {
        return InjectedFaults.of(JsonParser.parseString(report).getAsJsonObject());
    }

    private static CellResult cell(Outcome outcome, String reason) {
        return new CellResult(new Cell(Matrix.PLAIN, Memory.MMAP, Use.SYNC), outcome, reason, null, List.of(),
                List.of(),
                Duration.ZERO);
    }

    @Test
    void theEventIsNamed() {
        assertThat(AFTER.since(BEFORE)).containsExactly(LOST,
                "inject=poison,first=0x1000,last=0x1fff has happened 3 times");
        assertThat(AFTER.since(AFTER)).isEmpty();
    }

    @Test
    void aFailureIsTheFaultsAndNotTheKernels() {
        assertThat(cell(Outcome.FAIL, "no buffer came").with(List.of(LOST), List.of()).reason())
                .isEqualTo("injected: " + LOST + ", which explains that no buffer came");
        assertThat(cell(Outcome.FAIL, "no buffer came").with(List.of(), List.of(LOST)).reason())
                .isEqualTo("no buffer came; in an earlier cell of this machine " + LOST + ", which may be why");
    }

    @Test
    void whatHasAnotherCauseOrDidNotFailStays() {
        for (CellResult cell : List.of(cell(Outcome.PASS, ""), cell(Outcome.FAIL, "known: a fault of the kernel"),
                cell(Outcome.INCONCLUSIVE, "calls were lost"), cell(Outcome.SKIP, "no heap")))
            assertThat(cell.with(List.of(LOST), List.of())).isEqualTo(cell);
        CellResult failed = cell(Outcome.FAIL, "bytes");
        assertThat(failed.with(List.of(), List.of())).isEqualTo(failed);
    }
}
