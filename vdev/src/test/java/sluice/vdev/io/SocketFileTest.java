package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SocketFileTest {
    @TempDir
    private Path directory;

    @Test
    void removesTheSocketThatItSaw() throws IOException {
        Path path = directory.resolve("socket");
        try (Fd listener = UnixSocket.listen(path, 1)) {
            SocketFile file = SocketFile.of(path);
            assertThat(listener.isOpen()).isTrue();
            file.remove();
            assertThat(path).doesNotExist();
            file.remove(); // gone already, which is fine
        }
    }

    /** Another process has taken the path over while this one was still there. */
    @Test
    void leavesWhatSomebodyElseHasPutThere() throws IOException {
        Path path = directory.resolve("socket");
        try (Fd ours = UnixSocket.listen(path, 1)) {
            SocketFile file = SocketFile.of(path);
            assertThat(ours.isOpen()).isTrue();
            Files.move(path, directory.resolve("aside"));
            try (Fd theirs = UnixSocket.listen(path, 1)) {
                file.remove();
                assertThat(theirs.isOpen()).isTrue();
                assertThat(path).exists();
            }
        }
    }

    @Test
    void leavesALinkToTheSocket() throws IOException {
        Path path = directory.resolve("socket");
        Path moved = directory.resolve("moved");
        try (Fd listener = UnixSocket.listen(path, 1)) {
            SocketFile file = SocketFile.of(path);
            assertThat(listener.isOpen()).isTrue();
            Files.move(path, moved);
            Files.createSymbolicLink(path, moved);
            file.remove();
            assertThat(moved).exists();
            assertThat(Files.isSymbolicLink(path)).isTrue();
        }
        assertThatThrownBy(() -> SocketFile.of(directory.resolve("none"))).isInstanceOf(NoSuchFileException.class);
    }
}
