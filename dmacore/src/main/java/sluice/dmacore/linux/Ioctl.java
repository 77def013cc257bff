package sluice.dmacore.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * ioctl(2). A call interrupted by a signal is restarted, as the interfaces used here (dma-buf, udmabuf, KVM) expect.
 */
public final class Ioctl {
    private Ioctl() {}

    /**
     * An ioctl whose argument is a structure.
     *
     * @param request  the request number, unsigned 32 bits
     * @param argument native memory, as large as the request says; kept alive during the call
     * @return the request's result, 0 or more
     * @throws ErrnoException such as ENOTTY for a file that does not know the request
     */
    public static int call(Fd fd, long request, MemorySegment argument) throws ErrnoException {
        MemorySegment errno = Libc.errnoBuffer();
        while (true) {
            int result;
            try {
                result = (int) StructureLink.IOCTL.invokeExact(errno, (long) fd.number(), request, argument);
            } catch (Throwable t) {
                throw Libc.unexpected(t);
            }
            if (result >= 0) {
                return result;
            }
            int error = Libc.errno(errno);
            if (error != Errno.EINTR) {
                throw new ErrnoException("ioctl", error);
            }
        }
    }

    /**
     * An ioctl whose argument is a number.
     *
     * @param request the request number, unsigned 32 bits
     * @return the request's result, 0 or more
     * @throws ErrnoException such as ENOTTY for a file that does not know the request
     */
    public static int call(Fd fd, long request, long argument) throws ErrnoException {
        return (int) NumberLink.IOCTL.orThrow(NumberLink.IOCTL.callThroughSignals(fd.number(), request, argument));
    }

    /**
     * A named request whose argument is a structure.
     *
     * @param argument native memory, as large as the request says; kept alive during the call
     * @return the request's result, 0 or more
     * @throws ErrnoException it names the request, as in {@code ioctl DMA_BUF_IOCTL_SYNC}
     */
    static int call(Fd fd, IoctlRequest request, MemorySegment argument) throws ErrnoException {
        try {
            return call(fd, request.number(), argument);
        } catch (ErrnoException e) {
            ErrnoException named = new ErrnoException("ioctl " + request.name(), e.errno());
            named.initCause(e);
            throw named;
        }
    }

    private static final class NumberLink {
        static final NativeCall IOCTL = NativeCall.returningInt("ioctl", Linker.Option.firstVariadicArg(2));
    }

    private static final class StructureLink {
        static final MethodHandle IOCTL = Libc.link("ioctl",
                FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS),
                Linker.Option.firstVariadicArg(2));
    }
}
