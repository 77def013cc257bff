package sluice.guest;

import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class GuestResultsTest {
    private static final List<String> LINES = List.of("SLUICE boot 7.2.12", "SLUICE test passed 12 A > one()",
            "a pair of syncs", "SLUICE reason java.lang.AssertionError: no", "SLUICE reason \tat A.two",
            "SLUICE test failed 3 A > two()", "SLUICE test skipped 0 A > three(int) > [1] 4");

    private static GuestResults read(String... more) {
        return GuestResults.of(Stream.concat(LINES.stream(), List.of(more).stream()).toList());
    }

    @Test
    void eachTestIsReadWithItsReason() {
        GuestResults results = read("SLUICE tests 3");
        assertThat(results.results()).containsExactly(new GuestResults.Result("A > one()", "passed", 12, ""),
                new GuestResults.Result("A > two()", "failed", 3, "java.lang.AssertionError: no\n\tat A.two\n"),
                new GuestResults.Result("A > three(int) > [1] 4", "skipped", 0, ""));
        results.results().getFirst().assertPassed();
        assertThatThrownBy(results.results().get(1)::assertPassed).hasMessageContaining("A > two()")
                .hasMessageContaining("AssertionError: no");
        assertThatThrownBy(results.results().get(2)::assertPassed).hasMessageContaining("skipped");
        results.assertComplete();
    }

    @Test
    void whatIsLostOnTheWayIsNoticed() {
        assertThatThrownBy(() -> read("SLUICE tests 4").assertComplete()).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> read().assertComplete()).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> GuestResults.of(List.of("SLUICE tests 0")).assertComplete())
                .isInstanceOf(AssertionError.class);
    }
}
