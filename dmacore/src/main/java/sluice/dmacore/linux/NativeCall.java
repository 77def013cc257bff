package sluice.dmacore.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * A C function that fails with -1 and errno, wrapped to return its result or {@code -errno}.
 *
 * <p>All functions share one signature of six integer arguments, because each further signature costs milliseconds at
 * start. Both supported ABIs (System V x86-64, AAPCS64) pass at least six integer arguments in registers; a callee
 * reads only the registers of its parameters, and only the low half for a 32-bit parameter. So ints are widened, and
 * unused arguments are 0; of an int result the upper half of the register is unspecified. Addresses are plain longs:
 * the caller keeps the memory alive. A record, so that the JIT treats the handle of a static final instance as a constant.
 */
record NativeCall(String name, MethodHandle handle, boolean isIntResult) {

    private static final FunctionDescriptor SIGNATURE = FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG,
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

    /** A function whose C result is an int. */
    static NativeCall returningInt(String name, Linker.Option... options) {
        return new NativeCall(name, Libc.link(name, SIGNATURE, options), true);
    }

    /** A function whose C result is a ssize_t, an off_t or a pointer. */
    static NativeCall returningLong(String name, Linker.Option... options) {
        return new NativeCall(name, Libc.link(name, SIGNATURE, options), false);
    }

    /** Calls once. Result or -errno. */
    long call(long a, long b, long c, long d, long e, long f) {
        MemorySegment errno = Libc.errnoBuffer();
        long register;
        try {
            register = (long) handle.invokeExact(errno, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
        long result = isIntResult ? (int) register : register;
        return result == -1 ? -Libc.errno(errno) : result;
    }

    /** Calls once. Result or -errno. */
    long call(long a, long b, long c) {
        return call(a, b, c, 0, 0, 0);
    }

    /** Calls once. Result or -errno. */
    long call(long a, long b) {
        return call(a, b, 0, 0, 0, 0);
    }

    /** Calls once. Result or -errno. */
    long call(long a) {
        return call(a, 0, 0, 0, 0, 0);
    }

    /** Calls until a signal does not interrupt it. Result or -errno, never -EINTR. */
    long callThroughSignals(long a, long b, long c, long d) {
        long result;
        do {
            result = call(a, b, c, d, 0, 0);
        } while (result == -Errno.EINTR);
        return result;
    }

    /** Calls until a signal does not interrupt it. Result or -errno, never -EINTR. */
    long callThroughSignals(long a, long b, long c) {
        return callThroughSignals(a, b, c, 0);
    }

    /** Returns the result, or throws for -errno. */
    long orThrow(long result) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(name, (int) -result);
        }
        return result;
    }
}
