package sluice.vdev.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

import sluice.vdev.serve.ServerProcess;
import sluice.vdev.trace.Scenes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** The command {@code profile} and the option {@code --profile}, as their users see them. */
class ProfileCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine line = new CommandLine(new ProfileCommand()).setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true));
        return Main.run(line, arguments);
    }

    private Path recorded(String name) throws IOException {
        Path made = Files.createDirectories(folder.resolve(name));
        Files.write(made.resolve("flight.rec"), Scenes.twoFrames().file());
        return made;
    }

    @Test
    void aProfileIsWrittenAgainFromWhatAKilledProcessHasLeft() throws IOException {
        Path left = recorded("left");
        assertThat(run("--out", left.toString(), "--costs=write-back=10,copy=1")).as(err.toString()).isZero();
        assertThat(out.toString().lines()).containsExactly(left + "/report.html", left + "/trace.pftrace");
        assertThat(left.resolve("report.html")).content().contains("<h2>gpu0</h2>", "yours",
                "There is no recording of JDK Flight Recorder");
        assertThat(left.resolve("trace.pftrace")).isNotEmptyFile();
    }

    @Test
    void aGuestsTraceThatDoesNotFitIsToldAndTheProfileIsWrittenWithoutIt() throws IOException {
        Path left = recorded("left");
        Path trace = Files.writeString(folder.resolve("trace"), "# tracer: nop\n");
        assertThat(run("--out", left.toString(), "--guest-trace=" + trace)).isZero();
        assertThat(err.toString()).startsWith("sluice: The guest's trace is not in this profile.").hasLineCount(1);
        assertThat(left.resolve("guest.trace")).hasContent("# tracer: nop");
        assertThat(left.resolve("report.html")).content().contains("The guest&#39;s trace is not in this profile.");
        assertThat(run("--out", left.toString(), "--guest-trace=" + left.resolve("guest.trace"))).isZero();
        assertThat(run("--out", left.toString(), "--guest-trace=" + folder.resolve("nothing"))).isEqualTo(1);
        assertThat(err.toString()).contains("no such file or folder: " + folder.resolve("nothing")).hasLineCount(1);
        assertThat(run("--out", left.toString(), "--guest-trace=" + folder)).isEqualTo(1);
        assertThat(err.toString()).hasLineCount(1);
    }

    @Test
    void twoProfilesAreCompared() throws IOException {
        Path before = recorded("before");
        Path after = recorded("after");
        assertThat(run("--compare", before.toString(), after.toString())).as(err.toString()).isZero();
        assertThat(out.toString()).contains("gpu0", "ratio", "1.00");
        assertThat(run("--compare", before.toString(), after.toString(), "--json")).isZero();
        assertThat(JsonParser.parseString(out.toString()).getAsJsonArray().get(0).getAsJsonObject().get("device")
                .getAsString())
                .isEqualTo("gpu0");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "--json --out=DIR", "--compare DIR", "--compare DIR DIR --out=DIR",
            "--out=DIR --costs=nonsense",
            "--out=DIR --costs=copy=1 -- gpu", "--out=DIR --guest-trace=x -- gpu",
            "--compare DIR DIR --guest-trace=x", "--nonsense", "--out=DIR -- gpu --nonsense" })
    void wrongUsageExitsWith2(String line) throws IOException {
        String[] arguments = line.isEmpty()
                ? new String[0]
                : line.replace("DIR", recorded("x").toString()).split(" ", -1);
        assertThat(run(arguments)).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = { "gpu", "gpu --socket-path=SOCKET --fd=3", "gpu --socket-path=SOCKET --max-outputs=x",
            "gpu --socket-path=SOCKET --profile-events=3", "gpu --socket-path=SOCKET --record=FILE --record-events=3",
            "gpu --socket-path=SOCKET --console-remote", "gpu --socket-path=SOCKET --console=0.0.0.0:0",
            "serve", "serve --device=gpu", "serve --device=nonsense,socket-path=SOCKET" })
    void wrongOptionsOfACommandLeaveNoFile(String line) {
        List<String> arguments = new ArrayList<>(List.of("--out", folder.resolve("new").toString(), "--"));
        arguments.addAll(List.of(line.replace("SOCKET", folder.resolve("socket").toString())
                .replace("FILE", folder.resolve("file").toString()).split(" ", -1)));
        assertThat(run(arguments.toArray(String[]::new))).isEqualTo(2);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatIsNoProfileFailsWithOneSentence() throws IOException {
        assertThat(run("--out=" + folder)).isEqualTo(1);
        assertThat(err.toString()).contains("there is no profile in " + folder).hasLineCount(1);
        Files.writeString(folder.resolve("flight.rec"), "text");
        assertThat(run("--out=" + folder)).isEqualTo(1);
        assertThat(err.toString()).contains("is not a recording").hasLineCount(1);
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Files.write(empty.resolve("flight.rec"), Scenes.empty().file());
        assertThat(run("--out=" + empty)).isZero();
        assertThat(err.toString()).contains("no device has done a request");
        assertThat(run("--compare", empty.toString(), empty.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("no device has shown frames in both").hasLineCount(1);
    }

    @Test
    void whatCannotBeWrittenLeavesTheOldFile() throws IOException {
        Path made = recorded("full");
        Files.createDirectory(made.resolve("report.html"));
        Files.writeString(made.resolve("report.html/x"), "in the way");
        assertThat(run("--out=" + made)).isEqualTo(1);
        assertThat(err.toString()).contains("report.html cannot be written").hasLineCount(1);
        assertThat(made.resolve("report.html.new")).doesNotExist();
        assertThat(made.resolve("report.html/x")).exists();
    }

    @Test
    void devicesAreProfiledFromTheirStartToTheirEnd() throws Exception {
        Path made = folder.resolve("served");
        MachineOption option = CommandLine.populateCommand(new MachineOption(), "--profile=" + made,
                "--profile-events=64");
        try (ServerProcess process = option.open()) {
            assertThat(process).isNotNull();
            assertThat(made.resolve("flight.rec")).exists();
        }
        for (String file : new String[]{ "report.html", "trace.pftrace", "profile.jfr" })
            assertThat(made.resolve(file)).isNotEmptyFile();
        MachineOption blocked = CommandLine.populateCommand(new MachineOption(),
                "--profile=" + Files.writeString(folder.resolve("file"), "text"));
        assertThatIOException().isThrownBy(blocked::open).withMessageContaining("is not a folder");
    }
}
