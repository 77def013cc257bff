package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * Opens files for tests, which nothing we ship does by itself, and misuses them as a hostile peer does. It lies here because
 * native calls may be made only here.
 */
public final class PlainFile {
    private static final NativeCall OPEN = NativeCall.returningInt("open",
            Linker.Option.firstVariadicArg(2));
    private static final NativeCall WRITE = NativeCall.returningLong("write");
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;

    private PlainFile() {}

    /** Opens an existing file for reading and writing (open(2)). */
    public static Fd open(Path path) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path.toString());
            return Fd.own((int) OPEN.orThrow(OPEN.call(name.address(), O_RDWR | O_CLOEXEC, 0)));
        }
    }

    /** Fills the counter of an eventfd, and makes it one on which a writer waits: the flag is every holder's. */
    public static void fillAndBlock(Fd eventfd) throws ErrnoException {
        UnixSocket.setBlocking(eventfd);
        try (Arena arena = Arena.ofConfined()) {
            WRITE.orThrow(WRITE.call(eventfd.number(), arena.allocateFrom(JAVA_LONG, -2L).address(),
                    JAVA_LONG.byteSize()));
        }
    }
}
