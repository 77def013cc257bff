package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
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
     * Adds 1 and wakes who waits. A full counter is fine: it is signalled already. It never waits, whatever another holder
     * of the eventfd does with it, see {@link KernelSignal}. Only where the kernel refuses AIO is it a write, which waits
     * while an eventfd that a peer has made blocking is full: the calling thread then stands still, and no other.
     *
     * @throws ErrnoException EINVAL for what is no eventfd
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
     * Whether a descriptor, such as one from a peer, is an eventfd. The file behind it is not asked: one from a peer may
     * be of a file system that never answers.
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
        /** Not critical: it may wait, and a thread that waits in a critical call keeps the whole JVM from its next safepoint. */
        static final NativeCall WRITE = NativeCall.returningLong("write");
        static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1L);
    }
}
