package sluice.vdev.console;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** The address of a console: {@code 127.0.0.1:8090}, {@code [::1]:8090}, {@code localhost:8090}. */
public final class ConsoleAddress {
    private static final int MAX_PORT = 65_535;

    private ConsoleAddress() {}

    /**
     * Parses an address; port 0 is any free one.
     *
     * @throws IOException it is not one, or there is no such host; the message says what to give instead
     */
    public static InetSocketAddress parse(String text) throws IOException {
        int colon = text.lastIndexOf(':');
        String host = colon < 0 ? "" : text.substring(0, colon);
        if (host.startsWith("[") && host.endsWith("]")) host = host.substring(1, host.length() - 1);
        String port = text.substring(colon + 1);
        if (host.isEmpty() || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > MAX_PORT)
            throw new IOException("%s: give ADDRESS:PORT, such as 127.0.0.1:8090".formatted(text));
        try {
            return new InetSocketAddress(InetAddress.getByName(host), Integer.parseInt(port));
        } catch (UnknownHostException e) {
            throw new IOException(host + " is not the address of a host", e);
        }
    }

    /** As in a URL. */
    static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
    }
}
