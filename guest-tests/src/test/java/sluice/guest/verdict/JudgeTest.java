package sluice.guest.verdict;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.guest.verdict.Verdicts.Verdict;

import static org.assertj.core.api.Assertions.assertThat;

/** The judge of a run, before a small house with a test of each level: each way to fool it ends with status 1 and a sentence. */
class JudgeTest {
    private static final String GOOD = "<testcase name=\"aGood\" classname=\"%s\" time=\"0.1\"/>";

    private static @Nullable Verdicts judge;

    @TempDir
    private Path house;

    @BeforeAll
    static void compile(@TempDir Path classes) throws Exception {
        judge = new Verdicts("Judge", classes);
    }

    @BeforeEach
    void build() {
        write(".ci/expected", """
                # a comment
                default core unit 1
                default core loopback 1
                default guest-tests guests 2
                matrix guest-tests guests 1
                """);
        report("core", "surefire-reports", "a.ATest", GOOD.formatted("a.ATest"));
        report("core", "surefire-reports", "a.ALoopbackTest", GOOD.formatted("a.ALoopbackTest"));
        report("guest-tests", "surefire-reports", "g.AGuestTest",
                test("g.AGuestTest", "first", "") + test("g.AGuestTest", "second", ""));
        report("guest-tests", "matrix-reports", "g.AGuestTest", GOOD.formatted("g.AGuestTest"));
        write("guest-tests/src/test/java/g/AGuestTest.java", "class AGuestTest { void first() {} void second() {} }");
        write("core/src/test/java/a/ALoopbackTest.java", "class ALoopbackTest { void differs(int seed) {} }");
    }

    private void write(String file, String text) {
        Verdicts.write(house.resolve(file), text);
    }

    private static String test(String type, String name, String content) {
        return "<testcase name=\"%s\" classname=\"%s\" time=\"0.1\">%s</testcase>".formatted(name, type, content);
    }

    private static String skipped(String type, String name, String message) {
        return test(type, name, "<skipped message=\"%s\"/>".formatted(message));
    }

    private void report(String module, String folder, String type, String tests) {
        report(module, folder, type, "1.5", tests);
    }

    private void report(String module, String folder, String type, String time, String tests) {
        write("%s/target/%s/TEST-%s.xml".formatted(module, folder, type),
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><testsuite name=\"%s\" time=\"%s\">%s</testsuite>"
                        .formatted(type, time, tests));
    }

    private Verdict verdict(String... arguments) {
        if (judge == null) throw new IllegalStateException("it was compiled before");
        return judge.of(house, Map.of(), arguments);
    }

    private Verdict green() {
        Verdict verdict = verdict("default");
        assertThat(verdict.status()).as("%s", verdict.lines()).isZero();
        return verdict;
    }

    private Verdict red(String sentence) {
        Verdict verdict = verdict("default");
        assertThat(verdict.lines()).contains(sentence);
        assertThat(verdict.status()).isEqualTo(1);
        return verdict;
    }

    private void failSecond(String folder) {
        report("guest-tests", folder, "g.AGuestTest", test("g.AGuestTest", "first", "")
                + test("g.AGuestTest", "second", "<failure message=\"no\" type=\"E\"><![CDATA[E: no\n]]></failure>"));
    }

    private void passBoth(String folder) {
        report("guest-tests", folder, "g.AGuestTest",
                test("g.AGuestTest", "first", "") + test("g.AGuestTest", "second", ""));
    }

    @Test
    void aGoodRunIsToldLevelByLevel() {
        assertThat(green().lines()).containsExactly(
                "default unit     1 passed, 0 failed, 0 skipped, 2 s of 200 s",
                "default loopback 1 passed, 0 failed, 0 skipped, 2 s of 120 s",
                "default guests   2 passed, 0 failed, 0 skipped, 2 s of 360 s",
                "4 passed, 0 failed, 0 skipped");
    }

    @Test
    void bothRunsAreOneVerdict() {
        Verdict verdict = verdict("default", "matrix");
        assertThat(verdict.lines()).contains("matrix  guests   1 passed, 0 failed, 0 skipped, 2 s of 2280 s");
        assertThat(verdict.last()).isEqualTo("5 passed, 0 failed, 0 skipped");
        assertThat(verdict.status()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "nightly", "--lower default", "default default" })
    void itSaysHowItIsAsked(String arguments) {
        Verdict verdict = verdict(arguments.isEmpty() ? new String[0] : arguments.split(" "));
        assertThat(verdict.status()).isEqualTo(2);
        assertThat(verdict.last()).startsWith("usage: .ci/judge ");
    }

    /** In whatever form XML allows: on the line of its test, without a message, behind what the test has printed. */
    @ParameterizedTest
    @ValueSource(strings = { "<failure message=\"no\">E</failure>", "<failure/>", "<error\n type='E'></error  >",
            "<system-out><![CDATA[<skipped/>]]></system-out><failure/>", "<flakyFailure/>", "<rerunFailure/>" })
    void aFailureIsFoundWhereverItStands(String failure) {
        report("core", "surefire-reports", "a.ATest", test("a.ATest", "aGood", failure));
        assertThat(red("failed: a.ATest#aGood").last()).isEqualTo("3 passed, 1 failed, 0 skipped");
    }

    @Test
    void whatATestPrintsIsNoReport() {
        report("core", "surefire-reports", "a.ATest", test("a.ATest", "aGood",
                "<system-out><![CDATA[<failure/>\n</testcase><testcase name=\"x\"><error/>]]></system-out>"));
        green();
    }

    @ParameterizedTest
    @ValueSource(strings = { "<testcase name=\"cut\" classn", "", "</testcase>" })
    void aReportThatIsCutFailsTheRun(String rest) {
        write("core/target/surefire-reports/TEST-a.BTest.xml", "<testsuite name=\"a.BTest\" time=\"1\">" + rest);
        Verdict verdict = verdict("default");
        assertThat(verdict.lines()).anyMatch(line -> line.startsWith("the report TEST-a.BTest.xml cannot be read: "));
        assertThat(verdict.status()).isEqualTo(1);
    }

    @Test
    void aSuiteThatCountsAFailureMustNameIt() {
        write("core/target/surefire-reports/TEST-a.BTest.xml",
                "<testsuite name=\"a.BTest\" time=\"1\" failures=\"0\" errors=\"1\"/>");
        red("TEST-a.BTest.xml counts 1 failed tests and names 0");
    }

    @Test
    void aModuleWithoutReportsFailsTheRun() throws Exception {
        Files.delete(house.resolve("core/target/surefire-reports/TEST-a.ALoopbackTest.xml"));
        red("tests are missing: default core loopback has 0, .ci/expected has 1");
        red("no test of level loopback ran in the run default");
    }

    @Test
    void oneTestLessFailsTheRun() {
        report("guest-tests", "surefire-reports", "g.AGuestTest", test("g.AGuestTest", "first", ""));
        red("tests are missing: default guest-tests guests has 1, .ci/expected has 2");
    }

    @Test
    void aMatrixThatDidNotRunFails() throws Exception {
        Files.delete(house.resolve("guest-tests/target/matrix-reports/TEST-g.AGuestTest.xml"));
        assertThat(verdict("matrix").lines()).contains("no test of level guests ran in the run matrix");
        assertThat(verdict("default", "matrix").status()).isEqualTo(1);
    }

    @Test
    void moreTestsAreWrittenDownWhenAsked() throws Exception {
        report("core", "surefire-reports", "a.BTest", GOOD.formatted("a.BTest"));
        assertThat(green().lines()).contains("more tests: default core unit has 2, .ci/expected has 1; "
                + "\".ci/judge --raise default\" writes it there");
        assertThat(verdict("--raise", "default").status()).isZero();
        assertThat(Files.readAllLines(house.resolve(".ci/expected"))).hasSize(5).contains("# a comment",
                "default  core         unit      2", "default core loopback 1", "matrix guest-tests guests 1");
        Files.delete(house.resolve("core/target/surefire-reports/TEST-a.BTest.xml"));
        red("tests are missing: default core unit has 1, .ci/expected has 2");
    }

    @Test
    void aBadRunRaisesNothing() throws Exception {
        report("core", "surefire-reports", "a.BTest", test("a.BTest", "aBad", "<failure/>"));
        String before = Files.readString(house.resolve(".ci/expected"));
        assertThat(verdict("--raise", "default").status()).isEqualTo(1);
        assertThat(Files.readString(house.resolve(".ci/expected"))).isEqualTo(before);
    }

    @Test
    void aModuleThatNobodyExpectsIsTold() {
        report("extra", "surefire-reports", "x.XTest", GOOD.formatted("x.XTest"));
        red("not in .ci/expected: default extra unit 1");
    }

    @Test
    void aLevelOverItsBudgetFailsTheRun() {
        report("guest-tests", "surefire-reports", "g.AGuestTest", "1,234.9",
                test("g.AGuestTest", "first", "") + test("g.AGuestTest", "second", ""));
        red("over budget: level guests of the run default took 1235 s, 360 s are allowed");
    }

    /** Two at a time: a machine beside another, then beside a class of another level, and a third later. */
    @Test
    void classesThatRanAtTheSameTimeShareIt() {
        timed("g.AGuestTest", "2026-11-30T10:00:00Z", "300");
        timed("g.BGuestTest", "2026-11-30T10:00:10.500Z", "100");
        timed("g.CTest", "2026-11-30T10:04:00Z", "80");
        timed("g.DGuestTest", "2026-11-30T11:00:00Z", "99");
        report("guest-tests", "surefire-reports", "g.EGuestTest", "1", test("g.EGuestTest", "first", ""));
        assertThat(red("over budget: level guests of the run default took 370 s, 360 s are allowed").lines())
                .contains("default unit     2 passed, 0 failed, 0 skipped, 52 s of 200 s");
    }

    @Test
    void aTimeThatCannotBeReadFailsTheRun() {
        timed("g.AGuestTest", "yesterday", "1");
        red("the report TEST-g.AGuestTest.xml cannot be read: Text 'yesterday' could not be parsed at index 0");
    }

    private void timed(String type, String start, String seconds) {
        report("guest-tests", "surefire-reports", type, seconds + "\" timestamp=\"" + start, test(type, "first", ""));
    }

    @ParameterizedTest
    @ValueSource(strings = { "0", "5" })
    void aSlowMachineGetsALargerBudget(String factor) {
        report("core", "surefire-reports", "a.ATest", "500", GOOD.formatted("a.ATest"));
        if (judge == null) throw new IllegalStateException("it was compiled before");
        assertThat(judge.of(house, Map.of("SLUICE_BUDGET_FACTOR", factor), "default").status()).isZero();
        red("over budget: level unit of the run default took 500 s, 200 s are allowed");
    }

    @Test
    void aSkippedTestIsListedOrFailsTheRun() {
        report("core", "surefire-reports", "a.ALoopbackTest", skipped("a.ALoopbackTest", "differs(int)[1]", "no peer")
                + GOOD.formatted("a.ALoopbackTest"));
        red("skipped, and not in .ci/skips: a.ALoopbackTest#differs(int)[1]");
        write(".ci/skips", "a.ALoopbackTest#differs | 1 | says no peer | there is none for ARM");
        assertThat(green().lines()).contains("skipped: a.ALoopbackTest#differs(int)[1] (there is none for ARM)");
    }

    /** Surefire writes the message into an attribute, or with the stack trace as text. */
    @Test
    void whatASkippedTestSaysMayBeText() {
        report("core", "surefire-reports", "a.ALoopbackTest", test("a.ALoopbackTest", "differs",
                "<skipped type=\"a.Aborted\"><![CDATA[a.Aborted: no peer\n\tat a.B.c]]></skipped><system-out>x</system-out>")
                + GOOD.formatted("a.ALoopbackTest"));
        write(".ci/skips", "a.ALoopbackTest#differs | 1 | says no peer | there is none for ARM");
        assertThat(green().lines()).contains("skipped: a.ALoopbackTest#differs (there is none for ARM)");
    }

    /** A suite that runs where its peer is may not be left out there, by whatever entry. */
    @ParameterizedTest
    @ValueSource(strings = { "missing %s", "exists %s/nowhere", "says something else" })
    void aSkipWhoseConditionDoesNotHoldFailsTheRun(String condition) {
        String here = condition.formatted(house);
        write(".ci/skips", "a.ALoopbackTest#differs | 9 | " + here + " | no peer");
        report("core", "surefire-reports", "a.ALoopbackTest", skipped("a.ALoopbackTest", "differs(int)[1]", "no peer")
                + GOOD.formatted("a.ALoopbackTest"));
        red("skipped, and it is not so that \"%s\" (.ci/skips): a.ALoopbackTest#differs(int)[1]".formatted(here));
    }

    @Test
    void anEntryHasABound() {
        write(".ci/skips", "a.ALoopbackTest#differs | 1 | exists / | no peer");
        report("core", "surefire-reports", "a.ALoopbackTest", skipped("a.ALoopbackTest", "differs(int)[1]", "")
                + skipped("a.ALoopbackTest", "differs(int)[2]", "") + GOOD.formatted("a.ALoopbackTest"));
        red("skipped more often than 1 times (.ci/skips): a.ALoopbackTest#differs(int)[2]");
    }

    @Test
    void aLevelThatIsOnlySkippedFailsTheRun() {
        write(".ci/skips", "a.ALoopbackTest#differs | 1 | exists / | no peer");
        report("core", "surefire-reports", "a.ALoopbackTest", skipped("a.ALoopbackTest", "differs(int)[1]", ""));
        red("no test of level loopback ran in the run default");
    }

    @ParameterizedTest
    @ValueSource(strings = { "a.ALoopbackTest | 1 | exists / | a whole class",
            "a.ALoopbackTest#* | 1 | exists / | all of it",
            "a.ALoopbackTest#gone | 1 | exists / | it was renamed", "a.ALoopbackTest#differs | 1 | exists / |",
            "a.ALoopbackTest#differs | 1 | always | it is slow", "a.ALoopbackTest#differs | many | exists / | some",
            "a.ALoopbackTest#differs no reason" })
    void anEntryWithoutTestBoundConditionOrReasonFailsTheRun(String entry) {
        write(".ci/skips", entry);
        Verdict verdict = verdict("default");
        assertThat(verdict.lines()).anyMatch(line -> line.startsWith(".ci/skips: "));
        assertThat(verdict.status()).isEqualTo(1);
    }

    @Test
    void theClassesOfAFailureAreRunAgain() {
        failSecond("surefire-reports");
        report("core", "surefire-reports", "a.ATest", test("a.ATest$Inner", "x", "<error/>"));
        assertThat(verdict("--failed", "default").lines()).containsExactly("core a.ATest", "guest-tests g.AGuestTest");
    }

    @Test
    void moreFailuresThanMayBeFlakyAreNotRunAgain() {
        failSecond("surefire-reports");
        report("core", "surefire-reports", "a.ATest",
                test("a.ATest", "x", "<error/>") + test("a.ATest", "y", "<error/>"));
        assertThat(verdict("--failed", "default").lines()).isEmpty();
    }

    @Test
    void aTestThatPassesWithItsWholeClassIsAFlake() {
        failSecond("surefire-reports");
        red("failed: g.AGuestTest#second");
        passBoth("surefire-reports-again");
        Verdict verdict = green();
        assertThat(verdict.lines())
                .contains("flaky: g.AGuestTest#second; add it to .ci/flakes, or fix it: a second time fails the run");
        assertThat(verdict.last()).isEqualTo("4 passed, 0 failed, 0 skipped");
    }

    @Test
    void theSameFlakeAnotherTimeFailsTheRun() {
        failSecond("surefire-reports");
        passBoth("surefire-reports-again");
        write(".ci/flakes", "g.AGuestTest#second | 2026-11-20 | the kernel was slow to say ready");
        red("flaky again, fix it: g.AGuestTest#second (2026-11-20: the kernel was slow to say ready)");
    }

    @ParameterizedTest
    @ValueSource(strings = { "g.AGuestTest#second | yesterday | slow", "g.AGuestTest#third | 2026-11-20 | slow" })
    void aFlakeIsListedWithItsDateAndATest(String line) {
        write(".ci/flakes", line);
        assertThat(verdict("default").lines()).anyMatch(said -> said.startsWith(".ci/flakes: "));
        assertThat(verdict("default").status()).isEqualTo(1);
    }

    /** What an ordered machine does alone after a fresh start proves nothing of it. */
    @Test
    void aMethodThatPassesAloneHasFailed() {
        failSecond("surefire-reports");
        report("guest-tests", "surefire-reports-again", "g.AGuestTest", test("g.AGuestTest", "first", ""));
        red("failed: g.AGuestTest#second");
    }

    @Test
    void aClassThatFailsAgainElsewhereHasFailed() {
        failSecond("surefire-reports");
        report("guest-tests", "surefire-reports-again", "g.AGuestTest",
                test("g.AGuestTest", "first", "<failure/>") + test("g.AGuestTest", "second", ""));
        assertThat(red("failed: g.AGuestTest#first").last()).isEqualTo("3 passed, 1 failed, 0 skipped");
    }

    @Test
    void aTestThatIsSkippedTheSecondTimeHasFailed() {
        failSecond("surefire-reports");
        report("guest-tests", "surefire-reports-again", "g.AGuestTest", test("g.AGuestTest", "first", "")
                + skipped("g.AGuestTest", "second", "not today"));
        red("failed: g.AGuestTest#second");
    }

    @Test
    void aMachineThatDidNotBootIsAFlakeWhenAllOfItPassesLater() {
        report("guest-tests", "surefire-reports", "g.AGuestTest", test("g.AGuestTest", "", "<error/>"));
        red("failed: g.AGuestTest#");
        passBoth("surefire-reports-again");
        green();
    }

    @Test
    void threeFlakesAreTooMany() {
        report("core", "surefire-reports", "a.ATest", test("a.ATest", "aGood", "<error/>"));
        report("core", "surefire-reports", "a.ALoopbackTest", test("a.ALoopbackTest", "aGood", "<error/>"));
        failSecond("surefire-reports");
        report("core", "surefire-reports-again", "a.ATest", GOOD.formatted("a.ATest"));
        report("core", "surefire-reports-again", "a.ALoopbackTest", GOOD.formatted("a.ALoopbackTest"));
        passBoth("surefire-reports-again");
        red("3 tests are flaky, 2 are allowed in a run");
    }
}
