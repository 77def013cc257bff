package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.loopback.CProgram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * {@code sluice install-manifest}: by QEMU's rules for such files its output names a program that serves a GPU.
 */
@Timeout(120)
class InstallManifestCommandTest {
    private static final int LIMIT_SECONDS = 60;

    @TempDir
    private Path folder;

    private Path launcher;
    private Path home;

    @BeforeEach
    void aLauncher() throws IOException {
        home = Files.createDirectories(folder.resolve("home"));
        launcher = folder.resolve("sluice");
        Files.writeString(launcher, "#!/bin/sh\necho \"$0\" \"$@\"\n");
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwx------"));
    }

    private void install(Map<String, String> more, String... options) throws IOException {
        Map<String, String> environment = new HashMap<>(Map.of("HOME", home.toString(), "PATH", "/usr/bin:/bin"));
        environment.putAll(more);
        String[] arguments = Stream
                .concat(Stream.of("install-manifest", "--user"), Arrays.stream(options))
                .toArray(String[]::new);
        try (SluiceProgram program = SluiceProgram.startIn(folder, environment, launcher, arguments)) {
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.errors()).isEmpty();
        }
    }

    private static JsonObject manifest(Path file) throws IOException {
        return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    }

    private void assertStartsTheGpu(Path file) throws IOException {
        JsonObject manifest = manifest(file);
        assertThat(manifest.get("type").getAsString()).isEqualTo("gpu");
        assertThat(manifest.get("description").getAsString()).isNotEmpty();
        Path program = Path.of(manifest.get("binary").getAsString());
        assertThat(program).isAbsolute().isExecutable();
        // The launcher knows by the name under which it was started that it is to serve a GPU.
        assertThat(program.getFileName()).hasToString("sluice-gpu");
        assertThat(program.toRealPath()).isEqualTo(launcher.toRealPath());
        CProgram.Ended ended = CProgram.run(folder, LIMIT_SECONDS, program.toString(), "--print-capabilities");
        assertThat(ended.output()).contains(program + " --print-capabilities");
    }

    @Test
    void theUsersFoldersAreTaken() throws Exception {
        Path config = folder.resolve("config");
        Path data = folder.resolve("data");
        install(Map.of("XDG_CONFIG_HOME", config.toString(), "XDG_DATA_HOME", data.toString()));
        assertStartsTheGpu(config.resolve("qemu/vhost-user/40-sluice-gpu.json"));
        assertThat(data.resolve("sluice/sluice-gpu")).isSymbolicLink();
    }

    /** Java takes the home folder from the system, whatever $HOME says. */
    @Test
    void aVariableThatIsEmptyCountsAsNone() throws Exception {
        Path manifests = folder.resolve("manifests");
        try (SluiceProgram program = SluiceProgram.startIn(folder,
                Map.of("XDG_DATA_HOME", "", "JDK_JAVA_OPTIONS", "-Duser.home=" + home), launcher, "install-manifest",
                "--user",
                "--dir=" + manifests)) {
            assertThat(program.status()).as(program.errors()).isZero();
        }
        assertThat(home.resolve(".local/share/sluice/sluice-gpu")).isSymbolicLink();
        assertStartsTheGpu(manifests.resolve("40-sluice-gpu.json"));
    }

    @Test
    void theSystemsProgramMustBeForAllUsers() throws Exception {
        assumeTrue((Integer) Files.getAttribute(folder, "unix:uid") == 0, "only root installs for the system");
        String[] command = { "install-manifest", "--dir=" + folder.resolve("manifests"),
                "--program-dir=" + folder.resolve("libexec") };
        try (SluiceProgram program = SluiceProgram.startIn(folder, Map.of("HOME", home.toString()), launcher,
                command)) {
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors()).contains("is not for other users, such as libvirt's");
        }
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (SluiceProgram program = SluiceProgram.startIn(folder, Map.of(), launcher, command)) {
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.output()).contains("for all users", "<driver name='vhostuser'/>");
        }
        assertStartsTheGpu(folder.resolve("manifests/40-sluice-gpu.json"));
        assertThat(folder.resolve("libexec/sluice-gpu")).isSymbolicLink();
    }

    /** Once more, after the program was moved: the link leads to where it is now. */
    @Test
    void whatIsThereIsReplaced() throws Exception {
        Path manifests = folder.resolve("manifests");
        Map<String, String> own = Map.of("XDG_DATA_HOME", folder.resolve("data").toString());
        install(own, "--dir=" + manifests);
        Path file = manifests.resolve("40-sluice-gpu.json");
        assertStartsTheGpu(file);
        Path moved = Files.createDirectories(folder.resolve("elsewhere")).resolve("sluice");
        Files.move(launcher, moved);
        launcher = moved;
        Files.writeString(file, "{}");
        install(own, "--dir=" + manifests);
        assertStartsTheGpu(file);
        try (Stream<Path> files = Files.list(manifests)) {
            assertThat(files.toList()).isEqualTo(List.of(file));
        }
    }

    /** It is read before the one of QEMU's own program, and the first that fits is taken. */
    @Test
    void itComesBeforeQemusOwn() throws Exception {
        Path manifests = folder.resolve("manifests");
        install(Map.of("XDG_DATA_HOME", folder.resolve("data").toString()), "--dir=" + manifests);
        try (Stream<Path> files = Files.list(manifests)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .allSatisfy(name -> assertThat(name).isLessThan("50-qemu-gpu.json").endsWith(".json"));
        }
    }

    @Test
    void aFolderThatCannotBeMadeFailsWithOneSentence() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "");
        try (SluiceProgram program = SluiceProgram.startIn(folder,
                Map.of("HOME", home.toString(), "XDG_DATA_HOME", folder.resolve("data").toString()), launcher,
                "install-manifest", "--user", "--dir=" + file.resolve("manifests"))) {
            assertThat(program.status()).isEqualTo(1);
            assertThat(program.errors().lines()).hasSize(1).first().asString().startsWith("sluice: ")
                    .contains(file.toString());
        }
    }
}
