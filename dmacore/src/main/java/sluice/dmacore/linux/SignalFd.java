package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

/**
 * Signals as readable events: signalfd(2).
 *
 * <p>A signalfd receives a signal only while every thread blocks it, and a JVM cannot block a signal for running
 * threads. So the launcher starts the JVM with the signal blocked, and moves the JVM's own use of SIGUSR2 to another
 * signal: {@code env --block-signal=USR2 _JAVA_SR_SIGNUM=50 java ...}.
 */
public final class SignalFd {
    /** The user signal 2, on x86-64 and aarch64. */
    public static final int SIGUSR2 = 12;

    static final int SFD_CLOEXEC = 0x80000;
    static final int SFD_NONBLOCK = 0x800;
    static final int HIGHEST_SIGNAL = 64;
    /** Bytes of the C library's {@code sigset_t}; signal n is bit n-1. */
    static final long SIGSET_BYTES = 128;
    /** Bytes of {@code struct signalfd_siginfo}; the signal's number is its first field, unsigned 32 bits. */
    static final long SIGINFO_BYTES = 128;
    static final long SSI_SIGNO = 0;

    private static final String BLOCKED_MASK = "SigBlk:";

    private SignalFd() {}

    /**
     * Whether all threads of this process block a signal, so that a signalfd can receive one sent to the process.
     *
     * @param signal 1 to 64
     * @throws IOException /proc is not mounted
     */
    public static boolean isBlocked(int signal) throws IOException {
        requireSignal(signal);
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path thread : threads) {
                if (!isBlocked(thread, signal)) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Opens a descriptor that becomes readable when one of these signals is pending; non-blocking, close-on-exec.
     *
     * @param signals numbers from 1 to 64, which {@link #isBlocked} should confirm
     * @throws ErrnoException EMFILE, ENOMEM
     */
    public static Fd open(int... signals) throws ErrnoException {
        long mask = 0;
        for (int signal : signals) {
            requireSignal(signal);
            mask |= 1L << (signal - 1);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment set = arena.allocate(SIGSET_BYTES, Long.BYTES);
            set.set(JAVA_LONG, 0, mask);
            return Fd.own((int) Link.SIGNALFD
                    .orThrow(Link.SIGNALFD.call(-1, set.address(), SFD_NONBLOCK | SFD_CLOEXEC)));
        }
    }

    /**
     * Reads one pending signal.
     *
     * @return its number, or 0 if none is pending
     * @throws ErrnoException such as EINVAL if it is not a signalfd
     */
    public static int read(Fd fd) throws ErrnoException {
        MemorySegment info = Libc.scratch();
        long result = Unistd.READ.callThroughSignals(fd.number(), info.address(), SIGINFO_BYTES);
        if (result == -Errno.EAGAIN) {
            return 0;
        }
        if (Unistd.READ.orThrow(result) != SIGINFO_BYTES) {
            throw new ErrnoException("read", Errno.EINVAL);
        }
        return info.get(JAVA_INT, SSI_SIGNO);
    }

    private static boolean isBlocked(Path thread, int signal) throws IOException {
        try {
            for (String line : Files.readAllLines(thread.resolve("status"))) {
                if (line.startsWith(BLOCKED_MASK)) {
                    long mask = Long.parseUnsignedLong(line.substring(BLOCKED_MASK.length()).strip(), 16);
                    return (mask & 1L << (signal - 1)) != 0;
                }
            }
        } catch (IOException e) {
            if (Files.exists(thread)) {
                throw e;
            }
            // The thread ended after it was listed, so it cannot receive signals.
            return true;
        }
        throw new IOException(thread + "/status names no blocked signals.");
    }

    private static void requireSignal(int signal) {
        if (signal < 1 || signal > HIGHEST_SIGNAL) {
            throw new IllegalArgumentException("A signal is 1 to " + HIGHEST_SIGNAL + ", but this is " + signal + ".");
        }
    }

    private static final class Link {
        static final NativeCall SIGNALFD = NativeCall.returningInt("signalfd");
    }
}
