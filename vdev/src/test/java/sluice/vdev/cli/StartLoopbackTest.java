package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.training.TrainingRun;

import static org.assertj.core.api.Assertions.assertThat;

/** A process that serves at once, and one whose command line picocli reads: what a user sees is the same. */
class StartLoopbackTest {
    private static final int TENTH = 10;

    @TempDir
    private Path folder;

    private List<String> endOf(String... arguments) throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, arguments)) {
            int code = program.status();
            return List.of("exit code " + code, program.errors());
        }
    }

    /** An option that is for the whole process is read by picocli. */
    @ParameterizedTest
    @ValueSource(strings = { "grabber --socket-path=/no/such/folder/s", "grabber --socket-path=/tmp/x --fps=x",
            "serve --device=nothing,fd=3" })
    void anErrorIsTheSameSentence(String line) throws IOException {
        List<String> quick = endOf(line.split(" "));
        List<String> slow = endOf((line + " --eviction=lazy").split(" "));
        assertThat(quick).isEqualTo(slow);
        assertThat(quick.getFirst()).isNotEqualTo("exit code 0");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "gpu", "serve" })
    void everyCommandHasItsVersion(String command) throws IOException {
        try (SluiceProgram program = command.isEmpty()
                ? SluiceProgram.start(folder, "--version")
                : SluiceProgram.start(folder, command, "--version")) {
            assertThat(program.status()).isZero();
            assertThat(program.output()).isEqualTo("sluice 0.1.0\n");
        }
    }

    /** The first class of a library that a start needs opens jars, which takes as long as many other classes. */
    @Test
    void aDeviceIsServedWithoutLibrariesThatItDoesNotUse() throws IOException {
        Path classes = folder.resolve("classes");
        ProcessBuilder quick = new ProcessBuilder(
                SluiceProgram.command("gpu", "--socket-path=" + folder.resolve("quick")));
        quick.environment().put("JAVA_TOOL_OPTIONS", "-Xlog:class+load:file=" + classes);
        try (SluiceProgram program = SluiceProgram.start(folder, quick)) {
            program.awaitLine("listening on " + folder.resolve("quick"));
            program.terminate();
            assertThat(program.status()).isZero();
        }
        // Those of the ahead-of-time cache are all there at once.
        assertThat(Files.readAllLines(classes)).isNotEmpty()
                .filteredOn(line -> !line.contains("source: shared objects file"))
                .noneMatch(line -> line.contains(" picocli.") || line.contains(" java.util.logging."));
    }

    /** The socket accepts before the classes are loaded that the devices need, which takes most of a start. */
    @Test
    void itListensFirst() throws IOException {
        Path classes = folder.resolve("order");
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.put("JAVA_TOOL_OPTIONS", "-Xlog:class+load:file=" + classes);
        Path socket = folder.resolve("first");
        try (SluiceProgram program = SluiceProgram.startIn(folder, environment, folder, "gpu",
                "--socket-path=" + socket)) {
            program.awaitLine("listening on " + socket);
            program.terminate();
            assertThat(program.status()).isZero();
        }
        List<String> lines = Files.readAllLines(classes);
        int listens = first(lines, "sluice.vdev.io.SocketFile");
        for (String late : List.of("io.netty.channel.epoll.", "sluice.dmacore.buffer.DmaCore ",
                "sluice.vdev.gpu.GpuDevice "))
            assertThat(listens).as(late).isLessThan(first(lines, late));
    }

    private static int first(List<String> lines, String name) {
        for (int i = 0; i < lines.size(); i++) if (lines.get(i).contains(" " + name)) return i;
        throw new AssertionError("no class " + name + " was loaded");
    }

    @Test
    void theSocketOfADeviceThatCannotBeMadeIsRemoved() throws IOException {
        Path socket = folder.resolve("none");
        assertThat(endOf("gpu", "--socket-path=" + socket, "--snapshot-dir=/no/such/folder")).contains("exit code 1",
                "sluice: --snapshot-dir=/no/such/folder is not a folder\n");
        assertThat(socket).doesNotExist();
    }

    /** The front-end by which the launcher trains a process, in small. */
    @Test
    void theTrainingReachesEveryDevice() throws IOException {
        List<Path> sockets = List.of(folder.resolve("gpu"), folder.resolve("pci"), folder.resolve("grabber"));
        try (SluiceProgram program = SluiceProgram.start(folder, "serve", "--device=gpu,socket-path=" + sockets.get(0),
                "--device=gpu,transport=vfio-user,socket-path=" + sockets.get(1),
                "--device=grabber,socket-path=" + sockets.get(2))) {
            program.awaitLine("listening on " + sockets.getLast());
            TrainingRun.drive(TENTH, sockets.stream().map(Path::toString).toArray(String[]::new));
            program.terminate();
            assertThat(program.status()).isZero();
            assertThat(program.errors()).doesNotContain("ERROR");
        }
        assertThat(sockets.getFirst()).doesNotExist();
    }
}
