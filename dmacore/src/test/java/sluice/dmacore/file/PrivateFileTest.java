package sluice.dmacore.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PrivateFileTest {
    @TempDir
    private Path folder;

    private void assertAlone(Path file) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            assertThat(all).containsExactly(file);
        }
    }

    @Test
    void isForItsOwnerOnly() throws IOException {
        Path file = folder.resolve("statistics.json");
        PrivateFile.write(file, "{}\n");
        assertThat(file).hasContent("{}\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
        assertAlone(file);
    }

    @Test
    void replacesAFileThatEverybodyMayRead() throws IOException {
        Path file = Files.writeString(folder.resolve("old"), "a much longer text than the new one");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        PrivateFile.write(file, "new");
        assertThat(file).hasContent("new");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
    }

    @Test
    void aReaderSeesTheOldOneUntilTheNewOneIsWhole() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "old");
        PrivateFile.write(file, out -> {
            out.write("half".getBytes(StandardCharsets.UTF_8));
            out.flush();
            assertThat(file).hasContent("old");
        });
        assertThat(file).hasContent("half");
    }

    @Test
    void leavesTheOldOneIfTheNewOneFails() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "old");
        assertThatThrownBy(() -> PrivateFile.write(file, out -> {
            out.write(1);
            throw new IOException("no");
        })).hasMessage("no");
        assertThat(file).hasContent("old");
        assertAlone(file);
    }

    @Test
    void followsNoLink() throws IOException {
        Path victim = Files.writeString(folder.resolve("victim"), "precious");
        Path link = Files.createSymbolicLink(folder.resolve("scanout0-000001.png"), victim);
        assertThatThrownBy(() -> PrivateFile.write(link, "picture")).isInstanceOf(IOException.class)
                .hasMessageContaining("links are not followed");
        assertThat(victim).hasContent("precious");
        assertThat(Files.isSymbolicLink(link)).isTrue();
    }

    @Test
    void replacesNoDevice() {
        Path device = Path.of("/dev/null");
        assertThatThrownBy(() -> PrivateFile.write(device, "text")).isInstanceOf(IOException.class)
                .hasMessageStartingWith("/dev/null exists and is not a regular file");
    }
}
