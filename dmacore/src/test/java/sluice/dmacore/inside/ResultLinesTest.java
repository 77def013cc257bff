package sluice.dmacore.inside;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

/** Tests that pass, fail and are skipped, as they are told of. The examples are enabled for nobody else. */
class ResultLinesTest {
    private static boolean asked;

    static boolean isAsked() {
        return asked;
    }

    @TestMethodOrder(MethodOrderer.MethodName.class)
    @EnabledIf("sluice.dmacore.inside.ResultLinesTest#isAsked")
    static class Examples {
        @Test
        void aPasses() {
            assertThat(asked).isTrue();
        }

        @Test
        void bFails() {
            throw new AssertionError("in two\nlines");
        }

        @Test
        void cIsNotFor() {
            Assumptions.abort("this machine");
        }

        @Test
        @Disabled("not yet")
        void dIsDisabled() {}

        @ParameterizedTest(name = "{arguments}")
        @ValueSource(strings = { "x", "y\nz" })
        void eTakes(String text) {
            assertThat(text).isNotEmpty();
        }
    }

    @EnabledIf("sluice.dmacore.inside.ResultLinesTest#isAsked")
    static class Unready {
        @BeforeAll
        static void prepare() {
            if (asked) throw new IllegalStateException("no device");
        }

        @Test
        void isNeverRun() {}
    }

    private static List<String> told(Class<?> tests) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ResultLines results = new ResultLines(new PrintStream(bytes, true, UTF_8));
        asked = true;
        try {
            LauncherFactory.create().execute(
                    LauncherDiscoveryRequestBuilder.request().selectors(DiscoverySelectors.selectClass(tests)).build(),
                    results);
        } finally {
            asked = false;
        }
        results.end();
        return bytes.toString(UTF_8).lines().filter(line -> !line.startsWith("SLUICE reason \t"))
                .map(line -> line.replaceFirst("(passed|failed|skipped) \\d+", "$1 N")).toList();
    }

    @Test
    void eachTestIsOneLineAfterWhatItHasThrown() {
        assertThat(told(Examples.class)).containsExactly("SLUICE test passed N Examples > aPasses()",
                "SLUICE reason java.lang.AssertionError: in two", "SLUICE reason lines",
                "SLUICE test failed N Examples > bFails()",
                "SLUICE reason org.opentest4j.TestAbortedException: this machine",
                "SLUICE test skipped N Examples > cIsNotFor()", "SLUICE reason not yet",
                "SLUICE test skipped N Examples > dIsDisabled()",
                "SLUICE test passed N Examples > eTakes(String) > x",
                "SLUICE test passed N Examples > eTakes(String) > y z", "SLUICE tests 6");
    }

    @Test
    void aClassThatDoesNotGetToItsTestsHasFailed() {
        assertThat(told(Unready.class)).containsExactly("SLUICE reason java.lang.IllegalStateException: no device",
                "SLUICE test failed N Unready", "SLUICE tests 1");
    }
}
