package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.nio.file.Path;

/** {@code fcntl.h}, linked on first use; the values are those of {@code asm-generic/fcntl.h} and {@code linux/fcntl.h}. */
final class Fcntl {
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;
    static final int O_RDONLY = 0;
    static final int O_RDWR = 0x2;
    static final int O_NONBLOCK = 0x800;
    static final int O_CLOEXEC = 0x80000;

    /** Variadic in C after the command. None of the commands above blocks, so none is interrupted. */
    static final NativeCall FCNTL = NativeCall.returningInt("fcntl", Linker.Option.firstVariadicArg(2));

    private Fcntl() {}

    /**
     * Opens a device node for reading and writing, close-on-exec: open(2).
     *
     * @throws ErrnoException such as ENOENT (no such node), EACCES, ENXIO or ENODEV (no driver behind it)
     */
    static Fd openDevice(Path node) throws ErrnoException {
        return open(node, O_RDWR);
    }

    /**
     * Opens a file that exists, close-on-exec: open(2).
     *
     * @param flags O_RDONLY or O_RDWR, and others
     * @throws ErrnoException such as ENOENT, EACCES
     */
    static Fd open(Path file, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            return Fd.own((int) Open.OPEN.orThrow(Open.OPEN.callThroughSignals(
                    arena.allocateFrom(file.toString()).address(), flags | O_CLOEXEC, 0)));
        }
    }

    /** One command on an open descriptor; the command's result. */
    static int call(Fd fd, int command, long argument) throws ErrnoException {
        return (int) FCNTL.orThrow(FCNTL.call(fd.number(), command, argument));
    }

    private static final class Open {
        /** Variadic in C after the flags. */
        static final NativeCall OPEN = NativeCall.returningInt("open", Linker.Option.firstVariadicArg(2));
    }
}
