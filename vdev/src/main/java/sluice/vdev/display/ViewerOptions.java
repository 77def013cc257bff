package sluice.vdev.display;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.InputSeats;
import sluice.vdev.device.InputSink;
import sluice.vdev.device.Screens;
import sluice.vdev.io.AccessToken;
import sluice.vdev.io.TlsCertificate;
import sluice.vdev.plugin.DeviceOption;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.rfb.RfbAddress;
import sluice.vdev.rfb.RfbLimits;
import sluice.vdev.rfb.RfbSecurity;
import sluice.vdev.rfb.RfbServer;
import sluice.vdev.rfb.ViewedDisplay;

/**
 * The options of a GPU's VNC server.
 *
 * @param address of the first screen, or null for none
 * @param seat whose input devices get the keys and the pointer of viewers
 */
record ViewerOptions(@Nullable RfbAddress address, RfbSecurity security, String seat) {
    /** All of them. */
    static final List<DeviceOption> ALL = List.of(
            new DeviceOption("vnc", "ADDRESS",
                    "Show the screens to VNC viewers (RFB 3.8; Raw and ZRLE) at unix:PATH or 127.0.0.1:PORT. With outputs=N each screen has its own: the next port, or PATH.1, PATH.2, ... PORT 0 is any free port; the addresses are printed."),
            new DeviceOption("vnc-password-file", "FILE",
                    "Viewers must know the password in this file, 1 to 8 bytes. It keeps others on this host out; VNC authentication does not protect a network, and pictures and keys are not encrypted."),
            new DeviceOption("vnc-remote", "",
                    "Allow an address that other hosts can reach; needs vnc-password-file or vnc-token-file, and should have vnc-tls-cert: nothing is encrypted without it."),
            new DeviceOption("vnc-tls-cert", "FILE",
                    "Viewers must use TLS (VeNCrypt: X509None, X509Vnc or X509Plain). A PEM file with the certificate and those that sign it, and with the key unless vnc-tls-key names another file."),
            new DeviceOption("vnc-tls-key", "FILE",
                    "The private key of vnc-tls-cert: a PEM file, PKCS #8 (BEGIN PRIVATE KEY)."),
            new DeviceOption("vnc-token-file", "FILE",
                    "Viewers must know the token in this file, 16 to 128 letters, digits, hyphens and underscores: the password of any user name (X509Plain). Needs vnc-tls-cert."),
            new DeviceOption("vnc-seat", "NAME",
                    "Viewers, also those in the console, type and point with the input devices of this seat (default "
                            + InputSeats.DEFAULT
                            + ")."));
    private static final Logger LOG = LoggerFactory.getLogger(ViewerOptions.class);

    /**
     * Parses them.
     *
     * @param heads number of screens
     * @throws WrongOptionException an option has a value that it cannot have, or needs another one
     * @throws IOException there is no such password
     */
    static ViewerOptions of(DeviceOptions options, int heads) throws IOException, WrongOptionException {
        String seat = options.text("vnc-seat");
        if (seat == null) seat = InputSeats.DEFAULT;
        String given = options.text("vnc");
        if (given == null) {
            requireNone(options, "vnc-seat");
            return new ViewerOptions(null, RfbSecurity.NONE, seat);
        }
        RfbAddress address = address(given, heads);
        RfbSecurity security = security(options);
        if (!address.isLocal()) {
            if (!options.isGiven("vnc-remote"))
                throw new WrongOptionException(
                        "vnc=%s: other hosts can reach it; give 127.0.0.1 or unix:PATH, or vnc-remote if you mean it"
                                .formatted(address));
            if (!options.isGiven("vnc-password-file") && !options.isGiven("vnc-token-file"))
                throw new WrongOptionException(
                        "vnc=%s: other hosts can reach it; give vnc-password-file=FILE, or vnc-token-file=FILE with vnc-tls-cert"
                                .formatted(address));
        }
        return new ViewerOptions(address, security, seat);
    }

    private static RfbSecurity security(DeviceOptions options) throws IOException, WrongOptionException {
        RfbSecurity security = RfbSecurity.NONE;
        Path password = options.path("vnc-password-file");
        if (password != null) security = security.withPassword(password);
        Path certificate = options.path("vnc-tls-cert");
        Path key = options.path("vnc-tls-key");
        if (certificate == null) {
            for (String option : List.of("vnc-tls-key", "vnc-token-file")) {
                if (options.isGiven(option)) throw new WrongOptionException(option + " needs vnc-tls-cert=FILE");
            }
            return security;
        }
        security = security.withTls(TlsCertificate.of(certificate, key == null ? certificate : key));
        Path token = options.path("vnc-token-file");
        return token == null ? security : security.withToken(AccessToken.of(token));
    }

    private static RfbAddress address(String text, int heads) throws WrongOptionException {
        try {
            return RfbAddress.parse(text, heads);
        } catch (IOException e) {
            throw new WrongOptionException("vnc=" + e.getMessage());
        }
    }

    /** Checks that none of them is given: there are neither viewers nor a console. */
    static void requireNone(DeviceOptions options) throws WrongOptionException {
        requireNone(options, "");
    }

    /** @param allowed the option that viewers in the console have as well */
    private static void requireNone(DeviceOptions options, String allowed) throws WrongOptionException {
        for (DeviceOption option : ALL) {
            if (!option.name().equals(allowed) && options.isGiven(option.name()))
                throw new WrongOptionException(option.name() + " needs vnc=ADDRESS");
        }
    }

    /**
     * Serves viewers, in the console, too, if there is one, until the device is closed, and prints where.
     *
     * @throws IOException the address is in use, or not one of this host
     */
    void serve(ViewedDisplay display, int heads, DeviceEnvironment environment) throws IOException {
        RfbAddress listens = address;
        RfbServer server = listens == null
                ? RfbServer.open(environment.name(), display, heads, RfbLimits.DEFAULT,
                        viewer -> open(environment, viewer))
                : RfbServer.open(environment.name(), display, heads, listens, security, RfbLimits.DEFAULT,
                        viewer -> open(environment, viewer));
        environment.closeAtEnd(server);
        server.register(environment.report());
        Screens screens = environment.screens();
        if (screens != null) screens.add(environment.name(), heads, server::serve);
        List<RfbAddress> served = server.addresses();
        for (int head = 0; head < served.size(); head++)
            System.out.printf("screen %d of %s: vnc %s%n", head, environment.name(), served.get(head));
        System.out.flush();
    }

    private InputSink open(DeviceEnvironment environment, String viewer) {
        if (!environment.seats().has(seat))
            LOG.info("{}: {} can only look: there is no input device in {}", environment.name(), viewer, seat);
        return environment.seats().open(seat, viewer);
    }
}
