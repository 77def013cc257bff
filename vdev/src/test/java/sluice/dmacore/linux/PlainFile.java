package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Opens files for tests, which nothing we ship does by itself. It lies here because native calls may be made only here. */
public final class PlainFile {
    private static final NativeCall OPEN = NativeCall.returningInt("open",
            Linker.Option.firstVariadicArg(2));
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
}
