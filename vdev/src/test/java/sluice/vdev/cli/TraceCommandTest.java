package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.vdev.trace.Scenes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** {@code sluice trace} as users and scripts call it: exit codes, sentences, what goes where. */
class TraceCommandTest {
    @TempDir
    private Path folder;

    private Path file = Path.of("");
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void record() throws IOException {
        file = Files.write(folder.resolve("scene.rec"), Scenes.twoFrames().file());
    }

    private int run(Object... arguments) {
        CommandLine command = new CommandLine(new TraceCommand()).setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        return Main.run(command, Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    }

    private void succeeds(Object... arguments) {
        assertThat(run(arguments)).as(err.toString()).isZero();
        assertThat(err.toString()).isEmpty();
    }

    private void failsWithOneSentence(String part, Object... arguments) {
        err.getBuffer().setLength(0);
        assertThat(run(arguments)).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1).first().asString().startsWith("sluice: ").contains(part);
    }

    @Test
    void withoutAnOptionItIsTheSummary() {
        succeeds(file);
        assertThat(out.toString()).startsWith("process 4711, ").contains("17 events in 318 µs");
    }

    @Test
    void theSummaryForMachinesIsOneJsonObject() {
        succeeds(file, "--json");
        assertThat(JsonParser.parseString(out.toString()).getAsJsonObject().get("events").getAsInt()).isEqualTo(17);
    }

    @Test
    void eachViewHasItsOption() {
        succeeds(file, "--frames");
        assertThat(out.toString()).contains("+0.000161000");
        succeeds(file, "--buffer=1");
        assertThat(out.toString()).contains("D17_OVERLAPPING_WRITES");
        succeeds(file, "--csv");
        assertThat(out.toString()).contains("sequence,nanos_since_start");
    }

    @Test
    void aTraceForPerfettoGoesIntoAFile() throws IOException {
        Path trace = folder.resolve("trace.json");
        succeeds(file, "--perfetto=" + trace);
        assertThat(out.toString()).isEmpty();
        JsonObject json = JsonParser.parseString(Files.readString(trace)).getAsJsonObject();
        assertThat(json.getAsJsonArray("traceEvents")).hasSizeGreaterThan(17);
    }

    @Test
    void theRecordingItselfIsNotOverwritten() throws IOException {
        byte[] before = Files.readAllBytes(file);
        failsWithOneSentence("is the recording itself", file, "--perfetto=" + file);
        assertThat(file).hasBinaryContent(before);
        failsWithOneSentence("the folder does not exist", file, "--perfetto=" + folder.resolve("none/x.json"));
    }

    @Test
    void whatIsNoRecordingFails() throws IOException {
        failsWithOneSentence("no such file", folder.resolve("none.rec"));
        failsWithOneSentence("is not a recording", Files.writeString(folder.resolve("text"), "x".repeat(5000)));
        failsWithOneSentence("no event in", file, "--buffer=77");
    }

    @Test
    void aFileThatIsCutOffIsShownAndSaid() throws IOException {
        Path cut = Files.write(folder.resolve("cut.rec"), Arrays.copyOf(Scenes.twoFrames().file(), 4096 + 64 + 640));
        assertThat(run(cut)).isZero();
        assertThat(out.toString()).contains("10 events");
        assertThat(err.toString().lines()).hasSize(1).first().asString().contains("cut.rec is incomplete: 7 events");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "FILE --json --csv", "FILE --buffer=x", "FILE --no-such-option", "FILE FILE" })
    void wrongUsageExitsWith2(String line) {
        Object[] arguments = line.isEmpty() ? new Object[0] : line.replace("FILE", file.toString()).split(" ", -1);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).isNotBlank();
    }

    @Test
    void theProgramKnowsIt() throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, "trace", file.toString(), "--frames")) {
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.output().lines()).hasSize(4);
            assertThat(program.errors()).isEmpty();
        }
    }

    private static RecordOption option(String... arguments) {
        RecordOption option = new RecordOption();
        new CommandLine(option).parseArgs(arguments);
        return option;
    }

    @Test
    void whatTheOptionRecordsIsRead() throws Exception {
        Path recorded = folder.resolve("gpu.rec");
        try (RecordOption.Open open = option("--record=" + recorded, "--record-events=64").open(TraceSink.NONE)) {
            FlightRecorder recorder = Objects.requireNonNull(open.recorder());
            assertThat(recorder.awaitOpen()).isTrue();
            assertThat(open.sink().isOn()).isTrue();
            open.sink().name(3, "resource 3");
            open.sink().record(EventKind.EXPORT, 3, 0, 0, 0, 4096, 0);
            succeeds(recorded);
            assertThat(out.toString()).contains("still running", "resource 3", "1 events");
        }
        succeeds(recorded);
        assertThat(out.toString()).contains("ended normally");
    }

    @Test
    void withoutAFileNothingIsRecorded() throws IOException {
        try (RecordOption.Open open = option().open(TraceSink.NONE)) {
            assertThat(open.recorder()).isNull();
            assertThat(open.sink().isOn()).isFalse();
            open.sink().record(EventKind.EXPORT, 3, 0, 0, 0, 4096, 0);
        }
    }

    @Test
    void aNumberOfEventsThatCannotBeIsRefused() {
        assertThatThrownBy(() -> option("--record=" + folder.resolve("x"), "--record-events=1000").open(TraceSink.NONE))
                .hasMessageContaining("power of two");
        assertThat(folder.resolve("x")).doesNotExist();
    }
}
