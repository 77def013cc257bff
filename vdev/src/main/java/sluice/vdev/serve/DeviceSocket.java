package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Path;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/** The source of a device's front-end. */
sealed interface DeviceSocket {
    /** Front-ends connect to this path, one after the other. */
    record Listening(Path path) implements DeviceSocket {}

    /** The front-end is the peer of this socket; no other follows. */
    record Inherited(Fd socket) implements DeviceSocket {}

    /**
     * Parses {@code socket-path} or {@code fd}, exactly one of which is present.
     *
     * @throws IOException the descriptor is not a socket
     * @throws WrongOptionException the value is not a path, or not a number
     */
    static DeviceSocket of(DeviceOptions options) throws IOException, WrongOptionException {
        Path path = options.path("socket-path");
        if (path != null) return new Listening(path);
        return new Inherited(inherited((int) options.number("fd", -1, Integer.MIN_VALUE, Integer.MAX_VALUE)));
    }

    private static Fd inherited(int number) throws IOException {
        if (number < 0) throw new IOException("--fd=" + number + " is not a descriptor");
        Fd owned = Fd.own(number);
        try {
            if (!FileStatus.of(owned).isSocket()) throw new IOException("--fd=" + number + " is not a socket");
            return owned;
        } catch (IOException e) {
            // Not a socket passed to us: it must not be closed here.
            int unused = owned.release();
            throw new IOException("--fd=%d cannot be used: %s".formatted(unused, e.getMessage()), e);
        }
    }
}
