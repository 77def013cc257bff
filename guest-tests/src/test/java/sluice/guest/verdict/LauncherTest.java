package sluice.guest.verdict;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What {@code ./sluice test} asks Maven for, in a copy of it whose Maven only writes reports. */
class LauncherTest {
    private static final long LIMIT_SECONDS = 120;
    private static final String MAVEN = """
            #!/usr/bin/env bash
            echo "${JAZZER_MAX_DURATION:-} $*" >>"$CALLS"
            [[ -z ${JAZZER_MAX_DURATION:-} ]] || { [[ $* != *"-Dtest=${FIRST:-none} "* ]]; exit; }
            for word; do [[ $word == -Dsluice.reports=* ]] && folder=core/target/${word#*=}; done
            mkdir -p "$folder"
            report() {
              echo "<testsuite name='$1' time='1'><testcase classname='$1' name='a'>$2</testcase></testsuite>" >"$folder/TEST-$1.xml"
            }
            case $folder in
              *-again) report a.AGuestTest "$AGAIN" ;;
              */matrix-reports) report a.AGuestTest ;;
              *) report a.ATest; report a.ALoopbackTest; report a.AGuestTest "$FIRST" ;;
            esac
            """;

    @TempDir
    private Path house;

    @BeforeEach
    void build() throws IOException {
        Path real = Verdicts.checkout();
        Files.createDirectories(house.resolve(".ci"));
        Files.copy(real.resolve("sluice"), house.resolve("sluice"));
        for (String program : List.of("judge", "run")) {
            Files.copy(real.resolve(".ci").resolve(program), house.resolve(".ci").resolve(program));
        }
        try (DirectoryStream<Path> sources = Files.newDirectoryStream(real.resolve(".ci"), "*.java")) {
            for (Path source : sources) Files.copy(source, house.resolve(".ci").resolve(source.getFileName()));
        }
        Verdicts.write(house.resolve(".ci/expected"), """
                default core unit 1
                default core loopback 1
                default core guests 1
                matrix core guests 1
                """);
        program("guest-tests/host/packages.sh", "#!/bin/sh\n");
        program("bin/mvn", MAVEN);
    }

    private void program(String name, String text) throws IOException {
        Path file = house.resolve(name);
        Verdicts.write(file, text);
        if (!file.toFile().setExecutable(true)) throw new IOException("no program: " + file);
    }

    /** Runs a command of the copy, with what its Maven reports of a test in the first run and the second; returns its status. */
    private int run(String first, String again, String... command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(house.toFile()).redirectErrorStream(true)
                .redirectOutput(house.resolve("output").toFile());
        builder.environment().put("PATH", house.resolve("bin") + ":" + System.getenv("PATH"));
        builder.environment().put("SLUICE_JAVA_HOME", System.getProperty("java.home"));
        builder.environment().putAll(Map.of("CALLS", house.resolve("calls").toString(), "FIRST", first,
                "AGAIN", again));
        builder.environment().remove("SLUICE_RERUN");
        builder.environment().remove("SLUICE_BUDGET_FACTOR");
        Process process = builder.start();
        try {
            assertThat(process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)).as("it ends: %s", output()).isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    private List<String> calls() throws IOException {
        return Files.readAllLines(house.resolve("calls"));
    }

    private List<String> output() throws IOException {
        return Files.readAllLines(house.resolve("output"));
    }

    @Test
    void aFailureIsNotTriedAgainUnlessAsked() throws Exception {
        assertThat(run("<failure/>", "", "./sluice", "test")).isEqualTo(1);
        assertThat(calls()).singleElement().asString().contains(" verify ", "-Dsluice.excludedGroups=long");
        assertThat(output()).contains("failed: a.AGuestTest#a");
    }

    /** CI runs both; what fails once is run again as a class, never as a method, and the matrix has its own reports. */
    @Test
    void ciRunsAllTestsAndAgainTheClassesThatFailed() throws Exception {
        assertThat(run("<failure/>", "", "./.ci/run")).as("%s", output()).isZero();
        assertThat(calls()).hasSize(3);
        assertThat(calls().get(1))
                .contains("-pl core ", "-Dtest=a.AGuestTest ", "-Dsluice.reports=surefire-reports-again")
                .doesNotContain("#");
        assertThat(calls().get(2)).contains("-Dsluice.groups=matrix", "-Dsluice.matrix=true");
        assertThat(calls()).noneMatch(call -> call.contains("rerunFailingTestsCount"));
        assertThat(output()).anyMatch(line -> line.startsWith("flaky: a.AGuestTest#a; "));
        assertThat(output().getLast()).isEqualTo("4 passed, 0 failed, 0 skipped");
    }

    @Test
    void whatFailsAgainFailsTheRun() throws Exception {
        assertThat(run("<failure/>", "<error/>", "env", "SLUICE_RERUN=1", "./sluice", "test")).isEqualTo(1);
        assertThat(output()).contains("failed: a.AGuestTest#a");
        assertThat(output().getLast()).isEqualTo("2 passed, 1 failed, 0 skipped");
    }

    private void fuzzTests() {
        String folder = "vdev/src/test/java/a/";
        Verdicts.write(house.resolve(folder + "RingFuzzTest.java"), """
                    @FuzzTest(maxDuration = "1m")
                    void split(byte[] input) {
                    @FuzzTest
                    void packed(byte[] input) throws IOException {
                    @Test
                    void theSeedsAreRings() {
                """);
        Verdicts.write(house.resolve(folder + "ReplyFuzzTest.java"), """
                    @FuzzTest
                    void replies(byte[] input) {
                """);
    }

    private List<String> fuzzed() throws IOException {
        return calls().stream().map(call -> call.replaceFirst(" .*-Dtest=", " ").replaceFirst("(#[a-z]+) .*", "$1"))
                .toList();
    }

    /** Each in a process of its own, which is not ended while the fuzzer still works. */
    @Test
    void allFuzzTargetsRunForTheGivenMinutes() throws Exception {
        fuzzTests();
        assertThat(run("", "", "./sluice", "test", "--fuzz", "60")).as("%s", output()).isZero();
        assertThat(fuzzed()).containsExactly("3600s ReplyFuzzTest#replies", "3600s RingFuzzTest#split",
                "3600s RingFuzzTest#packed");
        assertThat(calls()).allMatch(call -> call.contains("-Dsurefire.timeout=4200 "));
    }

    @Test
    void aFuzzTargetThatFailsIsNamedAndTheOthersRun() throws Exception {
        fuzzTests();
        assertThat(run("RingFuzzTest#split", "", "./sluice", "test", "--fuzz", "2", "RingFuzzTest")).isEqualTo(1);
        assertThat(fuzzed()).containsExactly("120s RingFuzzTest#split", "120s RingFuzzTest#packed");
        assertThat(output()).filteredOn(line -> line.contains("failed")).singleElement().asString()
                .startsWith("sluice: RingFuzzTest#split failed");
    }

    @Test
    void wrongFuzzTargetsAndMinutesRunNothing() throws Exception {
        fuzzTests();
        for (String minutes : List.of("", "0", "RingFuzzTest", "1.5"))
            assertThat(run("", "", "./sluice", "test", "--fuzz", minutes)).as(minutes).isEqualTo(2);
        assertThat(run("", "", "./sluice", "test", "--fuzz", "1", "RingFuzzTest", "RingFuzzTest#none")).isEqualTo(2);
        assertThat(output()).containsExactly("sluice: no fuzz target RingFuzzTest#none; there are "
                + "ReplyFuzzTest#replies RingFuzzTest#split RingFuzzTest#packed");
        assertThat(house.resolve("calls")).doesNotExist();
    }

    @Test
    void wrongUsageRunsNothing() throws Exception {
        assertThat(run("", "", "./sluice", "test", "--matrix", "--all")).isEqualTo(2);
        assertThat(run("", "", "./sluice", "test", "--some")).isEqualTo(2);
        assertThat(house.resolve("calls")).doesNotExist();
    }
}
