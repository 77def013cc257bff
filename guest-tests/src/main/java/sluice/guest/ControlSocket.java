package sluice.guest;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A UNIX socket that accepts one connection. We listen and QEMU connects, so that no polling for QEMU's socket is
 * needed.
 */
final class ControlSocket implements AutoCloseable {
    /** sun_path has 108 bytes with the terminating NUL (unix(7)). */
    private static final int LONGEST_PATH = 107;
    private static final long CHECK_MILLIS = 100;

    private final Path path;
    private final ServerSocketChannel server;

    ControlSocket(Path path) throws IOException {
        if (path.toString().length() > LONGEST_PATH) {
            throw new IOException("the socket path " + path + " is longer than " + LONGEST_PATH
                    + " bytes: choose a shorter folder with -Djava.io.tmpdir=DIR");
        }
        this.path = path;
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        server.configureBlocking(false);
    }

    Path path() {
        return path;
    }

    /**
     * Waits for the connection.
     *
     * @throws IOException the process ended before, or timeout
     */
    SocketChannel accept(Process process, Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        try (Selector selector = Selector.open()) {
            server.register(selector, SelectionKey.OP_ACCEPT);
            while (System.nanoTime() < deadline) {
                selector.select(CHECK_MILLIS);
                SocketChannel channel = server.accept();
                if (channel != null) {
                    channel.configureBlocking(true);
                    return channel;
                }
                if (!process.isAlive())
                    throw new IOException("QEMU ended with status " + process.exitValue());
            }
        }
        throw new IOException("QEMU did not connect to " + path + " within " + limit.toSeconds() + " s");
    }

    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(path);
    }
}
