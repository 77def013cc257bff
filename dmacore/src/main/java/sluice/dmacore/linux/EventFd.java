package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

/** eventfd(2): a counter for notifications, such as kicks and calls of virtqueues. */
public final class EventFd {
    static final int EFD_CLOEXEC = 0x80000;
    static final int EFD_NONBLOCK = 0x800;
    private static final String ID = "eventfd-id:";

    private EventFd() {}

    /**
     * Creates a counter of 0, non-blocking and close-on-exec.
     *
     * @throws ErrnoException EMFILE, ENFILE, ENOMEM
     */
    public static Fd create() throws ErrnoException {
        return Fd.own((int) Link.EVENTFD.orThrow(Link.EVENTFD.call(0, EFD_NONBLOCK | EFD_CLOEXEC)));
    }

    /**
     * Adds 1 and wakes waiters. A full counter is already signalled and is not an error. Never blocks, whatever other
     * holders of the eventfd do; see {@link KernelSignal}. Only if the kernel refuses AIO is it a write(2), which
     * blocks the calling thread while the counter is full and a peer has made the eventfd blocking.
     *
     * @throws ErrnoException EINVAL if it is not an eventfd
     */
    public static void signal(Fd fd) throws ErrnoException {
        if (KernelSignal.isOffered()) {
            long result = KernelSignal.raise(fd.number());
            if (result < 0) throw new ErrnoException("io_submit", (int) -result);
        } else {
            signalByWriting(fd);
        }
    }

    static void signalByWriting(Fd fd) throws ErrnoException {
        long result = Unistd.WRITE.callThroughSignals(fd.number(), Link.ONE.address(), Long.BYTES);
        if (result != -Errno.EAGAIN) {
            Unistd.WRITE.orThrow(result);
        }
    }

    /**
     * Reads the counter and sets it to 0.
     *
     * @return its value, an unsigned 64-bit number; 0 if nothing was signalled
     * @throws ErrnoException such as EINVAL if it is not an eventfd
     */
    public static long drain(Fd fd) throws ErrnoException {
        MemorySegment value = Libc.scratch();
        long result = Unistd.READ.callThroughSignals(fd.number(), value.address(), Long.BYTES);
        if (result == -Errno.EAGAIN) {
            return 0;
        }
        if (Unistd.READ.orThrow(result) != Long.BYTES) {
            throw new ErrnoException("read", Errno.EINVAL);
        }
        return value.get(JAVA_LONG, 0);
    }

    /**
     * Whether a descriptor, such as one from a peer, is an eventfd. Does not call into the file, which may be on a file
     * system that never answers.
     *
     * @throws IOException /proc is not mounted
     */
    public static boolean isEventFd(Fd fd) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd.number())).toString()
                .equals("anon_inode:[eventfd]");
    }

    /**
     * The kernel's number of an eventfd, the same for all descriptors of it ({@code eventfd_show_fdinfo} in {@code
     * fs/eventfd.c}).
     *
     * @return empty if the kernel does not report it (before Linux 5.2), or if it is not an eventfd
     * @throws IOException /proc is not mounted
     */
    public static OptionalLong id(Fd fd) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.number()))) {
            if (line.startsWith(ID)) return OptionalLong.of(Long.parseLong(line.substring(ID.length()).strip()));
        }
        return OptionalLong.empty();
    }

    private static final class Link {
        static final NativeCall EVENTFD = NativeCall.returningInt("eventfd");
        static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1L);
    }
}
