package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;

/** Where a device's front-end comes from. */
sealed interface DeviceSocket {
    /** It connects to this path, and so does the next one. */
    record Listening(Path path) implements DeviceSocket {}

    /** It is at the other end of this socket, and none comes after it. */
    record Inherited(Fd socket) implements DeviceSocket {}

    /**
     * What {@code --socket-path} and {@code --fd}, of which exactly one is there, mean.
     *
     * @throws IOException there is no socket under this number
     */
    static DeviceSocket of(@Nullable Path path, @Nullable Integer fd) throws IOException {
        if (fd != null) return new Inherited(inherited(fd));
        if (path != null) return new Listening(path);
        throw new IllegalArgumentException("neither a path nor a descriptor");
    }

    private static Fd inherited(int number) throws IOException {
        if (number < 0) throw new IOException("--fd=" + number + " is no descriptor");
        Fd owned = Fd.own(number);
        try {
            if (!FileStatus.of(owned).isSocket()) throw new IOException("--fd=" + number + " is no socket");
            return owned;
        } catch (IOException e) {
            // Not ours after all: it must not be closed in our name.
            int unused = owned.release();
            throw new IOException("--fd=%d cannot be used: %s".formatted(unused, e.getMessage()), e);
        }
    }
}
