package sluice.dmacore.linux;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * A listening socket by the calls of the JDK. Those of this package have to be linked before the first one, which takes tens of
 * milliseconds; a process that listens at once need not wait for that.
 */
final class JdkListener {
    private static final Set<PosixFilePermission> OWNER_ONLY = Set.of(PosixFilePermission.OWNER_READ,
            PosixFilePermission.OWNER_WRITE);
    /** Of the JDK, and public: exported by the launcher's flags. */
    private static final String CHANNEL = "sun.nio.ch.SelChImpl";

    private JdkListener() {}

    /**
     * As {@link UnixSocket#listen}.
     *
     * @return a socket that does not block, or null if that was not possible: why is what {@link UnixSocket#listen} says
     */
    static @Nullable Fd listen(Path path, int backlog) {
        ServerSocketChannel channel = null;
        boolean bound = false;
        try {
            channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            channel.configureBlocking(false);
            int number = (int) Class.forName(CHANNEL).getMethod("getFDVal").invoke(channel);
            // bind creates the file with the mode of the socket's own inode, as after fchmod.
            Files.setPosixFilePermissions(Path.of("/proc/self/fd", Integer.toString(number)), OWNER_ONLY);
            channel.bind(UnixDomainSocketAddress.of(path), backlog);
            bound = true;
            return Fd.own(number); // nothing else closes it: a channel that is not closed keeps its descriptor
        } catch (IOException | ReflectiveOperationException | IllegalArgumentException
                | UnsupportedOperationException e) {
            return null;
        } finally {
            if (!bound) abandon(channel);
        }
    }

    private static void abandon(@Nullable ServerSocketChannel channel) {
        try {
            if (channel != null) channel.close();
        } catch (IOException e) {
            throw new AssertionError("a socket that nobody uses could not be closed", e);
        }
    }
}
