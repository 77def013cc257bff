package sluice.vdev.rfb;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where viewers connect: {@code unix:PATH}, or an address and a port. */
public sealed interface RfbAddress {
    /** The highest port. */
    int MAX_PORT = 65_535;

    /** A UNIX socket, accessible to its owner only. */
    record Unix(Path path) implements RfbAddress {
        @Override
        public Unix ofHead(int head) {
            return head == 0 ? this : new Unix(Path.of(path + "." + head));
        }

        @Override
        public boolean isLocal() {
            return true;
        }

        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /**
     * A TCP port.
     *
     * @param socket with port 0 for any that is free
     */
    record Tcp(InetSocketAddress socket) implements RfbAddress {
        @Override
        public Tcp ofHead(int head) {
            int port = socket.getPort();
            return port == 0 || head == 0 ? this : new Tcp(new InetSocketAddress(socket.getAddress(), port + head));
        }

        @Override
        public boolean isLocal() {
            return socket.getAddress().isLoopbackAddress();
        }

        @Override
        public String toString() {
            String host = socket.getAddress().getHostAddress();
            return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + socket.getPort();
        }
    }

    /** The address of a scan-out: the next port, or the path with {@code .N} behind, N = 1, 2, ... */
    RfbAddress ofHead(int head);

    /** Whether only programs on this host can connect. */
    boolean isLocal();

    /**
     * Parses an address.
     *
     * @param heads scan-outs, each of which needs a port
     * @throws IOException it is not one, or there is no such host; the message says what to give instead
     */
    static RfbAddress parse(String text, int heads) throws IOException {
        if (text.startsWith("unix:")) {
            String path = text.substring("unix:".length());
            try {
                if (!path.isEmpty()) return new Unix(Path.of(path));
            } catch (InvalidPathException e) {
                throw new IOException(path + " is not a path: " + e.getMessage(), e);
            }
        }
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) host = host.substring(1, host.length() - 1);
        String port = text.substring(colon + 1);
        if (host.isEmpty() || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > MAX_PORT + 1 - heads)
            throw new IOException(
                    "%s: give unix:PATH or ADDRESS:PORT, such as 127.0.0.1:5900, with a port for each of %d screens"
                            .formatted(text, heads));
        try {
            return new Tcp(new InetSocketAddress(InetAddress.getByName(host), Integer.parseInt(port)));
        } catch (UnknownHostException e) {
            throw new IOException(host + " is not the address of a host", e);
        }
    }
}
