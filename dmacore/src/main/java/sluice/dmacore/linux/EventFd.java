package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

/** A counter to wake somebody with: eventfd(2). Kicks and calls of virtqueues are eventfds. */
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
     * Adds 1 and wakes who waits. A full counter is fine: it is signalled already. The descriptor must be a non-blocking
     * eventfd, for a write that waits would keep the whole JVM from its next safepoint; one from a peer is not known to
     * be, see {@link #isEventFd} and {@link UnixSocket#setNonBlocking}.
     *
     * @throws ErrnoException such as EINVAL for what is no eventfd, EPIPE for a pipe nobody reads
     */
    public static void signal(Fd fd) throws ErrnoException {
        long result = Link.WRITE.callThroughSignals(fd.number(), Link.ONE.address(), Long.BYTES);
        if (result != -Errno.EAGAIN) {
            Link.WRITE.orThrow(result);
        }
    }

    /**
     * Takes the counter and sets it to 0.
     *
     * @return its value, an unsigned 64-bit number; 0 if nothing was signalled
     * @throws ErrnoException such as EINVAL for what is no eventfd
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
     * Whether a descriptor, such as one from a peer, is an eventfd: only then can {@link #signal} not wait, once it was
     * made non-blocking.
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
     * @return nothing if the kernel does not tell (before Linux 5.2), or it is no eventfd
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
        /** Critical, without the thread-state change: the write cannot wait, and it is the most frequent call we make. */
        static final NativeCall WRITE = NativeCall.returningLong("write", Linker.Option.critical(false));
        static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1L);
    }
}
