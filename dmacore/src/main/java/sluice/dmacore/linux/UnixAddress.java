package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.Charset;
import java.nio.file.Path;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * A {@code struct sockaddr_un}: 2 bytes of family, then the NUL-terminated path.
 *
 * @param segment the structure in native memory
 * @param length used bytes
 */
record UnixAddress(MemorySegment segment, long length) {
    static final long SUN_PATH = 2;
    static final int PATH_CAPACITY = 108;
    static final long BYTES = SUN_PATH + PATH_CAPACITY;
    /** The longest path, without the terminating NUL. */
    static final int LONGEST_PATH = PATH_CAPACITY - 1;

    /** The JVM's encoding of paths, which differs from UTF-8 in a C locale. */
    private static final Charset PATHS = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

    /**
     * The address of a path.
     *
     * @throws IOException the path is too long for a socket, or empty
     */
    static UnixAddress of(Path path, Arena arena) throws IOException {
        byte[] name = path.toString().getBytes(PATHS);
        if (name.length == 0 || name.length > LONGEST_PATH) {
            throw new IOException(
                    "A Unix socket path has 1 to " + LONGEST_PATH + " bytes, but this one has " + name.length
                            + ": \"" + path + "\"; use a shorter directory or a relative path.");
        }
        MemorySegment segment = arena.allocate(BYTES, Long.BYTES);
        segment.set(JAVA_SHORT, 0, (short) Sockets.AF_UNIX);
        MemorySegment.copy(name, 0, segment, JAVA_BYTE, SUN_PATH, name.length);
        return new UnixAddress(segment, SUN_PATH + name.length + 1);
    }
}
