package sluice.vdev.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Options from files, variables and a service manager, for a command line that somebody else writes. */
class SettingsTest {
    @TempDir
    private Path system;

    @TempDir
    private Path user;

    private final Map<String, String> environment = new HashMap<>();

    private String[] complete(String... line) throws IOException {
        return new Settings(system, environment).complete(line);
    }

    private static void write(Path folder, String name, String text) throws IOException {
        Files.writeString(Files.createDirectories(folder).resolve(name), text);
    }

    @Test
    void withoutAnythingTheLineStays() throws IOException {
        assertThat(complete("gpu", "--fd=3")).containsExactly("gpu", "--fd=3");
        assertThat(complete()).isEmpty();
    }

    @Test
    void theNearerOneWins() throws IOException {
        write(system, "gpu.conf", "# of the system\n--stats=/a b,c\n--outputs=1\n--on-fault=zero\n--blob\n\n");
        write(user.resolve(".config/sluice"), "gpu.conf", "  --outputs=2\n--resolution=800x600\n");
        environment.put("HOME", user.toString());
        environment.put("SLUICE_OPTIONS", " --resolution=640x480  --inject=a --inject=b ");
        assertThat(complete("gpu", "--fd=3", "--on-fault=stop")).containsExactly("gpu", "--stats=/a b,c", "--blob",
                "--outputs=2", "--resolution=640x480", "--inject=a", "--inject=b", "--fd=3", "--on-fault=stop");
        assertThat(complete("grabber", "--fd=3")).as("which has no file").contains("--inject=a")
                .doesNotContain("--blob");
    }

    @Test
    void oneSocketReplacesTheOther() throws IOException {
        write(system, "gpu.conf", "--socket-path=/run/gpu.sock");
        assertThat(complete("gpu", "--fd=3")).containsExactly("gpu", "--fd=3");
        assertThat(complete("gpu")).containsExactly("gpu", "--socket-path=/run/gpu.sock");
    }

    @Test
    void theUsersFolderIsFoundAsOthersFindIt() throws IOException {
        write(user.resolve("sluice"), "gpu.conf", "--outputs=2");
        environment.put("XDG_CONFIG_HOME", user.toString());
        environment.put("HOME", "/nonexistent");
        assertThat(complete("gpu", "--fd=3")).contains("--outputs=2");
    }

    @Test
    void whoOnlyAsksIsAnswered() throws IOException {
        write(system, "gpu.conf", "nonsense");
        assertThat(complete("gpu", "--print-capabilities")).containsExactly("gpu", "--print-capabilities");
        assertThat(complete("gpu", "--help")).containsExactly("gpu", "--help");
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> complete("gpu", "--fd=3"))
                .withMessageContaining("gpu.conf, line 1: \"nonsense\" is no option");
    }

    @Test
    void aFileInAnotherEncodingIsNamed() throws IOException {
        Files.write(system.resolve("gpu.conf"), "--stats=/tmp/fünf".getBytes(StandardCharsets.ISO_8859_1));
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> complete("gpu", "--fd=3"))
                .withMessage(system.resolve("gpu.conf") + " is not a text in UTF-8");
    }

    @Test
    void socketsOfAServiceManagerGoToDevicesWithoutOne() throws IOException {
        environment.put("LISTEN_FDS", "2");
        environment.put("LISTEN_PID", "1");
        assertThat(complete("gpu")).as("they are for another process").containsExactly("gpu");
        environment.put("LISTEN_PID", Long.toString(ProcessHandle.current().pid()));
        assertThat(complete("gpu")).containsExactly("gpu", "--fd=3");
        assertThat(complete("gpu", "--socket-path=/a")).containsExactly("gpu", "--socket-path=/a");
        assertThat(complete("serve", "--device=gpu", "--device=grabber,socket-path=/b", "--device=input,kind=tablet",
                "--device=codec")).containsExactly("serve", "--device=gpu,fd=3", "--device=grabber,socket-path=/b",
                        "--device=input,kind=tablet,fd=4", "--device=codec");
        environment.put("LISTEN_FDS", "x");
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> complete("gpu"))
                .withMessageContaining("LISTEN_FDS=x");
    }
}
