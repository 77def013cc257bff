package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.NoSuchElementException;

/**
 * The linker, and the per-thread buffers of a call: errno and a small scratch buffer.
 *
 * <p>Every handle captures errno (free, measured) because the JVM itself makes calls that overwrite it.
 */
final class Libc {
    /** Bytes of {@link #scratch()}: room for a {@code struct statx}, the largest answer read through it. */
    static final int SCRATCH_BYTES = 256;

    private static final Linker LINKER = supportedLinker();
    private static final long ERRNO_OFFSET = errnoOffset();
    private static final ThreadLocal<PerThread> PER_THREAD = ThreadLocal.withInitial(PerThread::new);

    private Libc() {}

    /**
     * Links a function of the C library; the handle takes {@link #errnoBuffer()} first.
     *
     * @throws UnsatisfiedLinkError the C library has no such function
     */
    static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        MemorySegment symbol;
        try {
            symbol = LINKER.defaultLookup().findOrThrow(name);
        } catch (NoSuchElementException e) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError(
                    "The C library has no function " + name + "; Sluice needs glibc 2.28 or later.");
            error.initCause(e);
            throw error;
        }
        Linker.Option[] all = new Linker.Option[options.length + 1];
        all[0] = Linker.Option.captureCallState("errno");
        System.arraycopy(options, 0, all, 1, options.length);
        try {
            return LINKER.downcallHandle(symbol, descriptor, all);
        } catch (IllegalCallerException e) {
            throw new IllegalStateException(
                    "This JVM refuses native calls; start it with --enable-native-access=ALL-UNNAMED.", e);
        }
    }

    /** This thread's buffer for errno, the first argument of every linked handle. */
    static MemorySegment errnoBuffer() {
        return PER_THREAD.get().errno;
    }

    /** The errno the last call left in a thread's buffer; meaningful only if that call failed. */
    static int errno(MemorySegment errnoBuffer) {
        return errnoBuffer.get(ValueLayout.JAVA_INT, ERRNO_OFFSET);
    }

    /**
     * This thread's {@value #SCRATCH_BYTES} bytes, 16-byte aligned, for a result that is read immediately; not cleared.
     */
    static MemorySegment scratch() {
        return PER_THREAD.get().scratch;
    }

    /** Converts a Throwable of a handle: rethrows errors and unchecked exceptions; others cannot occur. */
    static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown instanceof RuntimeException exception) {
            return exception;
        }
        return new IllegalStateException("A native call threw a checked exception.", thrown);
    }

    /** Not by a path of the layout, which makes method handles: several milliseconds at start. */
    private static long errnoOffset() {
        long offset = 0;
        for (MemoryLayout member : Linker.Option.captureStateLayout().memberLayouts()) {
            if (member.name().orElse("").equals("errno")) return offset;
            offset += member.byteSize();
        }
        throw new IllegalStateException("this JVM captures no errno");
    }

    private static Linker supportedLinker() {
        String system = System.getProperty("os.name", "");
        String processor = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        if (!system.equals("Linux") || !(processor.equals("amd64") || processor.equals("aarch64"))) {
            throw new UnsupportedOperationException(
                    "Sluice runs on Linux on x86-64 or aarch64, not on " + system + " on "
                            + processor + ".");
        }
        return Linker.nativeLinker();
    }

    /** Garbage-collected with its thread; a closeable arena would need an owner. */
    private static final class PerThread {
        final MemorySegment errno;
        final MemorySegment scratch;

        PerThread() {
            Arena arena = Arena.ofAuto();
            errno = arena.allocate(Linker.Option.captureStateLayout());
            scratch = arena.allocate(SCRATCH_BYTES, 16);
        }
    }
}
