package sluice.dmacore.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** The JDK's socket is the same as ours. */
class JdkListenerTest {
    @TempDir
    private Path folder;

    @Test
    void itIsForItsOwnerAloneAndDoesNotBlock() throws IOException {
        Path path = folder.resolve("socket");
        Fd socket = JdkListener.listen(path, 1);
        if (socket == null) throw new AssertionError("the JDK makes no such socket, or does not tell its number");
        try (socket) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path))).isEqualTo("rw-------");
            assertThat(UnixSocket.isListening(socket)).isTrue();
            assertThat(UnixSocket.accept(socket)).isNull();
            try (Fd peer = UnixSocket.connect(path); Fd accepted = UnixSocket.accept(socket)) {
                assertThat(peer.isOpen()).isTrue();
                assertThat(accepted).isNotNull();
            }
        }
    }

    @Test
    void whatItCannotDoIsDoneOrRefusedByOurs() throws IOException {
        Path path = folder.resolve("stale");
        UnixSocket.listen(path, 1).close();
        assertThat(JdkListener.listen(path, 1)).isNull();
        try (Fd socket = UnixSocket.listenAtOnce(path, 1)) {
            assertThat(UnixSocket.isListening(socket)).isTrue();
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> UnixSocket.listenAtOnce(path, 1))
                    .withMessageContaining("another process listens there");
        }
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> UnixSocket.listenAtOnce(folder.resolve("none/socket"), 1))
                .withMessageContaining("ENOENT");
    }
}
