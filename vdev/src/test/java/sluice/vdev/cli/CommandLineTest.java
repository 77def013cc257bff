package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.JournalPeer;
import sluice.vdev.loopback.CProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice gpu} as users, scripts and libvirt start it: exit codes, sentences, signals, files. */
class CommandLineTest {
    private static final int LIMIT_SECONDS = 60;
    private static final int SIDE = 64;

    @TempDir
    private Path folder;

    private SluiceProgram start(String... arguments) throws IOException {
        return SluiceProgram.start(folder, arguments);
    }

    private SluiceProgram listening(Path socket, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("gpu", "--socket-path=" + socket));
        arguments.addAll(List.of(more));
        SluiceProgram program = start(arguments.toArray(String[]::new));
        program.awaitLine("listening on " + socket);
        return program;
    }

    @ParameterizedTest
    @ValueSource(strings = { "gpu", "gpu --socket-path=a --fd=3", "gpu --socket-path=a --outputs=17",
            "gpu --socket-path=a --snapshot-every=-1", "gpu --socket-path=a --socket-mode=0440",
            "gpu --fd=3 --socket-mode=0660", "gpu --no-such-option", "gpu --socket-path=a --transport=pigeon",
            "gpu --socket-path=a --transport=vfio-user --inject=drop-invalidation" })
    void wrongUsageExitsWith2(String line) throws IOException {
        // Not in the folder that another test uses at the same time.
        String inside = line.replace("=a", "=" + folder.resolve("a"));
        try (SluiceProgram program = start(inside.split(" ", -1))) {
            assertThat(program.status()).isEqualTo(2);
            assertThat(program.errors().lines()).hasSize(1).first().asString().startsWith("sluice: ")
                    .endsWith(" --help)");
        }
    }

    private void failsWithOneSentence(String part, String... arguments) throws IOException {
        try (SluiceProgram program = start(arguments)) {
            assertThat(program.status()).as("%s%s", program.output(), program.errors()).isEqualTo(1);
            assertThat(program.errors().lines()).hasSize(1).first().asString().startsWith("sluice: ").contains(part);
        }
    }

    @Test
    void aPathWhereNoSocketCanBeFails() throws IOException {
        Path none = folder.resolve("none/gpu.sock");
        failsWithOneSentence("cannot listen on " + none + ": bind: ENOENT", "gpu", "--socket-path=" + none);
    }

    @Test
    void aPathThatIsTooLongFails() throws IOException {
        failsWithOneSentence("107", "gpu", "--socket-path=" + folder.resolve("x".repeat(108)));
    }

    @Test
    void aSocketSomebodyListensOnFailsAndStays() throws IOException {
        Path socket = folder.resolve("live.sock");
        try (Fd live = UnixSocket.listen(socket, 1)) {
            assertThat(live.isOpen()).isTrue();
            failsWithOneSentence("another process listens there", "gpu", "--socket-path=" + socket);
            assertThat(socket).exists();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "--fd=0", "--fd=777", "--fd=-1" })
    void aDescriptorThatIsNoSocketFails(String option) throws IOException {
        failsWithOneSentence(option, "gpu", option);
    }

    @Test
    void whatCannotBeDoneFailsEarly() throws IOException {
        String option = "--snapshot-dir=/nonexistent";
        failsWithOneSentence(option, "gpu", "--socket-path=" + folder.resolve("gpu.sock"), option);
        assertThat(folder.resolve("gpu.sock")).doesNotExist();
    }

    @Test
    void capabilitiesAreJsonWhateverElseIsSaid() throws IOException {
        try (SluiceProgram program = start("gpu", "--print-capabilities", "--fd=77", "--virgl")) {
            assertThat(program.status()).isZero();
            JsonObject json = JsonParser.parseString(program.output()).getAsJsonObject();
            assertThat(json.get("type").getAsString()).isEqualTo("gpu");
            assertThat(json.get("features").getAsJsonArray()).as("or libvirt 9 forgets the VM").hasSize(1);
            assertThat(program.errors()).isEmpty();
        }
    }

    @Test
    void whatLibvirtAsksForIsExplained() throws IOException {
        try (SluiceProgram program = listening(folder.resolve("gpu.sock"), "--virgl",
                "--render-node=/dev/dri/renderD128")) {
            program.terminate();
            assertThat(program.status()).isZero();
            assertThat(program.errors()).contains("2D commands only");
        }
    }

    /** A front-end whose driver has drawn one frame. */
    private static void drawAFrame(DeviceSession session, DisplayPeer display, GuestRam ram) throws IOException {
        session.realize();
        session.start(display.backEndSide());
        display.backEndSide().close();
        GpuDriver gpu = new GpuDriver(session);
        List<Buffer> backing = ram.allocateScattered(SIDE * SIDE * 4);
        GpuRect all = GpuRect.of(SIDE, SIDE);
        gpu.createResource2d(1, GpuWire.FORMAT_B8G8R8X8, SIDE, SIDE).ok();
        gpu.attachBacking(1, backing).ok();
        gpu.setScanout(0, 1, all).ok();
        gpu.transferToHost2d(1, all, 0).ok();
        gpu.flush(1, all).ok();
        display.await(Update.class, 1);
    }

    @Test
    void sigtermWithAGuestAttachedEndsInOrder() throws IOException {
        Path socket = folder.resolve("gpu.sock");
        Path statistics = folder.resolve("stats.json");
        try (SluiceProgram program = listening(socket, "--stats=" + statistics, "--snapshot-dir=" + folder);
                GuestRam ram = GuestRam.single(4 << 20, 1);
                DisplayPeer display = DisplayPeer.open(1, 640, 480);
                DeviceSession session = new DeviceSession(new FrontEnd(UnixSocket.connect(socket)), ram,
                        Profile.qemu10(), 64, 16)) {
            assertThat(Files.getPosixFilePermissions(socket)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            drawAFrame(session, display, ram);
            CProgram.run(folder, LIMIT_SECONDS, "kill", "-USR2", Long.toString(program.pid()));
            program.awaitLine("snapshot " + folder);
            display.allowHangUp();
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(socket).doesNotExist();
            assertThat(session.frontEnd().closedWithin(Deadline.USUAL)).isTrue();
            assertThat(program.errors()).doesNotContain("\tat ").doesNotContain("SEVERE");
        }
        JsonObject json = JsonParser.parseString(Files.readString(statistics)).getAsJsonObject();
        assertThat(json.get("frames").getAsInt()).isEqualTo(1);
        assertThat(json.getAsJsonObject("commands").get("RESOURCE_FLUSH").getAsInt()).isEqualTo(1);
        assertThat(json.getAsJsonObject("copiedBytes").get("transfer").getAsInt()).isEqualTo(SIDE * SIDE * 4);
    }

    @Test
    void sigtermFinishesARecordingOfTheJvm() throws Exception {
        Path recording = folder.resolve("gpu.jfr");
        ProcessBuilder builder = new ProcessBuilder(
                SluiceProgram.command("gpu", "--socket-path=" + folder.resolve("gpu.sock")));
        builder.environment().put("JDK_JAVA_OPTIONS", "-XX:StartFlightRecording=filename=" + recording);
        try (SluiceProgram program = SluiceProgram.start(folder, builder)) {
            program.awaitLine("listening on ");
            program.terminate();
            assertThat(program.status()).isZero();
        }
        assertThat(RecordingFile.readAllEvents(recording)).isNotEmpty();
    }

    /** As in a terminal; a shell that runs this in the background may have had it ignored. */
    @Test
    void ctrlCEndsInOrderToo() throws Exception {
        Path socket = folder.resolve("gpu.sock");
        Path recording = folder.resolve("gpu.rec");
        Path statistics = folder.resolve("stats.json");
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
        command.addAll(SluiceProgram.command("gpu", "--socket-path=" + socket, "--record=" + recording,
                "--stats=" + statistics));
        try (SluiceProgram program = SluiceProgram.start(folder, new ProcessBuilder(command))) {
            program.awaitLine("listening on ");
            CProgram.run(folder, LIMIT_SECONDS, "kill", "-INT", Long.toString(program.pid()));
            assertThat(program.status()).as(program.errors()).isZero();
        }
        assertThat(socket).doesNotExist();
        assertThat(JsonParser.parseString(Files.readString(statistics)).isJsonObject()).isTrue();
        try (SluiceProgram reader = start("trace", recording.toString())) {
            assertThat(reader.status()).as(reader.errors()).isZero();
            assertThat(reader.output()).contains("ended normally");
        }
    }

    @Test
    void theLogGoesIntoAFile() throws IOException {
        Path log = Files.writeString(folder.resolve("a log, ü"), "before\n");
        try (SluiceProgram program = start("gpu", "--log=" + log, "--fd=777")) {
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors()).isEmpty();
        }
        assertThat(Files.readAllLines(log)).hasSize(2).first().isEqualTo("before");
        assertThat(Files.readAllLines(log).getLast()).startsWith("sluice: --fd=777");
        failsWithOneSentence("cannot be written", "gpu", "--log=" + folder.resolve("none/log"), "--fd=777");
    }

    @Test
    void theLogGoesToTheJournal() throws IOException {
        Path socket = folder.resolve("journal");
        ProcessBuilder builder = new ProcessBuilder(SluiceProgram.command("gpu", "--log=journal", "--fd=777"));
        builder.environment().put("JDK_JAVA_OPTIONS", "-Dsluice.journal=" + socket);
        try (JournalPeer peer = JournalPeer.open(socket);
                SluiceProgram program = SluiceProgram.start(folder, builder)) {
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors()).doesNotContain("sluice: ");
            assertThat(peer.next()).containsEntry("PRIORITY", "3").containsEntry("SYSLOG_IDENTIFIER", "sluice")
                    .hasEntrySatisfying("MESSAGE", text -> assertThat(text).startsWith("sluice: --fd=777"));
        }
        Files.delete(socket);
        try (SluiceProgram program = SluiceProgram.start(folder, builder)) {
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors()).contains("sluice: --log=journal: there is no journal at " + socket,
                    "; the log goes to standard error", "sluice: --fd=777");
        }
    }

    @Test
    void aLevelThatIsNoneIsWrongUsage() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(SluiceProgram.command("gpu", "--fd=777"));
        builder.environment().put("JDK_JAVA_OPTIONS", "-Dsluice.log=chatty");
        try (SluiceProgram program = SluiceProgram.start(folder, builder)) {
            assertThat(program.status()).isEqualTo(2);
            assertThat(program.errors()).contains("SLUICE_LOG=chatty: give SEVERE, ").doesNotContain("\tat ");
        }
    }

    @Test
    void theSocketIsForAGroup() throws IOException {
        Path socket = folder.resolve("gpu, ü.sock");
        String group = Files.readAttributes(folder, PosixFileAttributes.class).group().getName();
        try (SluiceProgram program = listening(socket, "--socket-mode=0660", "--socket-group=" + group)) {
            assertThat(Files.getPosixFilePermissions(socket)).isEqualTo(PosixFilePermissions.fromString("rw-rw----"));
            program.awaitOutput(socket.toString().replace(",", ",,") + "'");
        }
        failsWithOneSentence("there is no such group", "gpu", "--socket-path=" + folder.resolve("other.sock"),
                "--socket-group=no such group");
        assertThat(folder.resolve("other.sock")).doesNotExist();
    }

    @Test
    void sigtermWithoutAGuestIsQuiet() throws IOException {
        Path socket = folder.resolve("gpu.sock");
        try (SluiceProgram program = listening(socket)) {
            program.terminate();
            assertThat(program.status()).isZero();
            assertThat(socket).doesNotExist();
            assertThat(program.errors()).isEmpty();
        }
    }

    @Test
    void statisticsThatCannotBeWrittenAreAFailure() throws IOException {
        failsWithOneSentence("no such folder: /nonexistent", "gpu",
                "--socket-path=" + folder.resolve("gpu.sock"), "--stats=/nonexistent/stats.json");
        Path statistics = folder.resolve("stats");
        failsWithOneSentence("is a folder", "gpu", "--socket-path=" + folder.resolve("gpu.sock"), "--stats=" + folder);
        try (SluiceProgram program = listening(folder.resolve("gpu.sock"), "--stats=" + statistics)) {
            Files.createDirectory(statistics);
            program.terminate();
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors()).contains("gpu could not be closed", statistics.toString());
        }
    }

    @Test
    void aSocketLeftByAKilledProcessIsReplaced() throws IOException {
        Path socket = folder.resolve("gpu.sock");
        try (SluiceProgram killed = listening(socket)) {
            killed.kill();
        }
        assertThat(socket).exists();
        try (SluiceProgram program = listening(socket);
                FrontEnd frontEnd = new FrontEnd(UnixSocket.connect(socket))) {
            assertThat(frontEnd.getQueueNum()).isEqualTo(2);
            program.terminate();
            assertThat(program.status()).isZero();
        }
    }

    @Test
    void anInheritedSocketIsServedToItsEnd() throws IOException {
        Path statistics = folder.resolve("stats.json");
        Path pair = CProgram.pair(folder);
        Path frontEnd = CProgram.frontEnd(folder);
        List<String> command = new ArrayList<>(List.of(pair.toString()));
        command.addAll(SluiceProgram.command("gpu", "--fd=@FD@", "--stats=" + statistics));
        command.addAll(List.of("--", frontEnd.toString(), "--fd=@FD@"));
        CProgram.Ended ended = CProgram.run(folder, LIMIT_SECONDS, command.toArray(String[]::new));
        assertThat(ended.output()).contains("first ended with 0").contains("second ended with 0")
                .doesNotContain("not ok").doesNotContain("\tat ");
        assertThat(JsonParser.parseString(Files.readString(statistics)).getAsJsonObject().get("frames").getAsInt())
                .isPositive();
    }
}
