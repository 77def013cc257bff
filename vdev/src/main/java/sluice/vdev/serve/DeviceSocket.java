package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Path;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.WrongOptionException;

/** Where a device's front-end comes from. */
sealed interface DeviceSocket {
    /** It connects to this path, and so does the next one. */
    record Listening(Path path) implements DeviceSocket {}

    /** It is at the other end of this socket, and none comes after it. */
    record Inherited(Fd socket) implements DeviceSocket {}

    /**
     * What {@code socket-path} and {@code fd}, of which exactly one is there, mean.
     *
     * @throws IOException there is no socket under this number
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
            // Not ours after all: it must not be closed in our name.
            int unused = owned.release();
            throw new IOException("--fd=%d cannot be used: %s".formatted(unused, e.getMessage()), e);
        }
    }
}
