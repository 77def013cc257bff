package sluice.dmacore.linux;

import java.lang.foreign.Linker;

/** {@code fcntl.h}, linked on first use; the values are those of {@code asm-generic/fcntl.h} and {@code linux/fcntl.h}. */
final class Fcntl {
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int F_DUPFD_CLOEXEC = 1030;
    static final int F_ADD_SEALS = 1033;
    static final int F_GET_SEALS = 1034;
    static final int O_NONBLOCK = 0x800;

    /** Variadic in C after the command. None of the commands above waits, so none is interrupted. */
    static final NativeCall FCNTL = NativeCall.returningInt("fcntl", Linker.Option.firstVariadicArg(2));

    private Fcntl() {}

    /** One command on an open descriptor; the command's result. */
    static int call(Fd fd, int command, long argument) throws ErrnoException {
        return (int) FCNTL.orThrow(FCNTL.call(fd.number(), command, argument));
    }
}
