package sluice.guest;

import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import sluice.guest.build.Folders;

/** A further serial line of a machine: QEMU connects to its socket. Closing it ends a waiting {@link #accept}. */
public final class SerialLine implements Closeable {
    private final String name;
    private final Path folder;
    private final ServerSocketChannel server;

    private SerialLine(String name, Path folder, ServerSocketChannel server) {
        this.name = name;
        this.folder = folder;
        this.server = server;
    }

    /**
     * Begins to listen, in a private folder.
     *
     * @param name of QEMU's character device
     */
    public static SerialLine open(String name) throws IOException {
        Path folder = Files.createTempDirectory("sluice-serial-");
        SerialLine line = new SerialLine(name, folder, ServerSocketChannel.open(StandardProtocolFamily.UNIX));
        boolean bound = false;
        try {
            line.server.bind(UnixDomainSocketAddress.of(folder.resolve("port")));
            bound = true;
        } finally {
            if (!bound) line.close();
        }
        return line;
    }

    /** QEMU's arguments for it, as the next serial line of the machine. */
    public List<String> qemuArguments() {
        return List.of("-chardev",
                "socket,id=%s,path=%s".formatted(name, folder.resolve("port").toString().replace(",", ",,")),
                "-serial", "chardev:" + name);
    }

    /** Waits until QEMU has connected. */
    public SocketChannel accept() throws IOException {
        return server.accept();
    }

    @Override
    public void close() throws IOException {
        try {
            server.close();
        } finally {
            Folders.delete(folder);
        }
    }
}
