package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/** Linux calls that only tests make: to look at what ours did, and to misbehave as a hostile peer does. */
public final class TestCalls {
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    static final int O_CLOEXEC = 0x80000;
    static final int F_GETFD = 1;
    static final int FD_CLOEXEC = 1;
    private static final short POLLIN = 1;

    private static final NativeCall OPEN = NativeCall.returningInt("open", Linker.Option.firstVariadicArg(2));
    private static final NativeCall POLL = NativeCall.returningInt("poll");
    private static final NativeCall KILL = NativeCall.returningInt("kill");
    private static final NativeCall UMASK = NativeCall.returningInt("umask");
    private static final NativeCall PREAD = NativeCall.returningLong("pread");
    private static final NativeCall PROCESS_VM_READV = NativeCall.returningLong("process_vm_readv");
    private static final NativeCall WRITE = NativeCall.returningLong("write");
    private static final NativeCall MPROTECT = NativeCall.returningInt("mprotect");

    private TestCalls() {}

    public static Fd open(Path path, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path.toString());
            return Fd.own((int) OPEN.orThrow(OPEN.call(name.address(), flags | O_CLOEXEC, 0)));
        }
    }

    static Fd socket(int family, int type) throws ErrnoException {
        return Fd.own((int) Sockets.SOCKET.orThrow(Sockets.SOCKET.call(family, type | Sockets.SOCK_CLOEXEC, 0)));
    }

    /** Waits until a descriptor is readable (or at its end); false when the time is over. */
    static boolean awaitReadable(Fd fd, Duration limit) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pollfd = arena.allocate(8, 4);
            pollfd.set(JAVA_INT, 0, fd.number());
            pollfd.set(JAVA_SHORT, 4, POLLIN);
            return POLL.orThrow(POLL.callThroughSignals(pollfd.address(), 1, limit.toMillis())) == 1;
        }
    }

    static void kill(long pid, int signal) throws ErrnoException {
        KILL.orThrow(KILL.call(pid, signal));
    }

    static int umask(int mask) {
        return (int) UMASK.call(mask);
    }

    /** Fills the counter of an eventfd, so that the next write has no room. */
    static void fill(Fd eventfd) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            WRITE.orThrow(
                    WRITE.call(eventfd.number(), arena.allocateFrom(JAVA_LONG, -2L).address(), JAVA_LONG.byteSize()));
        }
    }

    /** pread(2): bytes read, or -errno. */
    static long pread(Fd fd, MemorySegment target, long offset) {
        return PREAD.callThroughSignals(fd.number(), target.address(), target.byteSize(), offset);
    }

    /** process_vm_readv(2) on this very process: bytes read, or -errno. */
    static long readOwnMemory(long address, MemorySegment target) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pieces = arena.allocate(32, 8);
            pieces.setAtIndex(JAVA_LONG, 0, target.address());
            pieces.setAtIndex(JAVA_LONG, 1, target.byteSize());
            pieces.setAtIndex(JAVA_LONG, 2, address);
            pieces.setAtIndex(JAVA_LONG, 3, target.byteSize());
            return PROCESS_VM_READV.call(ProcessHandle.current().pid(), pieces.address(), 1, pieces.address() + 16, 1,
                    0);
        }
    }

    /** Takes every access to a mapping away. */
    static void forbidAccess(MemorySegment mapped) throws ErrnoException {
        MPROTECT.orThrow(MPROTECT.call(mapped.address(), mapped.byteSize(), Mman.PROT_NONE));
    }

    static boolean isCloseOnExec(Fd fd) throws ErrnoException {
        return (Fcntl.call(fd, F_GETFD, 0) & FD_CLOEXEC) != 0;
    }

    static boolean isNonBlocking(Fd fd) throws ErrnoException {
        return (Fcntl.call(fd, Fcntl.F_GETFL, 0) & Fcntl.O_NONBLOCK) != 0;
    }

    /** Sends bytes with any number of descriptors, which our own sender refuses; the message must go out whole. */
    static void sendWithFds(Fd socket, byte[] bytes, int[] fds) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment data = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, data, JAVA_BYTE, 0, bytes.length);
            MemorySegment piece = arena.allocate(MessageLayout.IOVEC_BYTES, 8);
            piece.set(JAVA_LONG, MessageLayout.IOV_BASE, data.address());
            piece.set(JAVA_LONG, MessageLayout.IOV_LEN, bytes.length);
            MemorySegment header = arena.allocate(MessageLayout.MSGHDR_BYTES, 8);
            header.set(JAVA_LONG, MessageLayout.MSG_IOV, piece.address());
            header.set(JAVA_LONG, MessageLayout.MSG_IOVLEN, 1);
            if (fds.length > 0) {
                long fdBytes = (long) fds.length * Integer.BYTES;
                MemorySegment control = arena.allocate(MessageLayout.cmsgSpace(fdBytes), 8);
                control.set(JAVA_LONG, MessageLayout.CMSG_LEN, MessageLayout.cmsgLength(fdBytes));
                control.set(JAVA_INT, MessageLayout.CMSG_LEVEL, Sockets.SOL_SOCKET);
                control.set(JAVA_INT, MessageLayout.CMSG_TYPE, Sockets.SCM_RIGHTS);
                MemorySegment.copy(fds, 0, control, JAVA_INT, MessageLayout.CMSGHDR_BYTES, fds.length);
                header.set(JAVA_LONG, MessageLayout.MSG_CONTROL, control.address());
                header.set(JAVA_LONG, MessageLayout.MSG_CONTROLLEN, control.byteSize());
            }
            long sent = Sockets.SENDMSG.orThrow(
                    Sockets.SENDMSG.callThroughSignals(socket.number(), header.address(), Sockets.MSG_NOSIGNAL));
            if (sent != bytes.length) {
                throw new IOException("Sent " + sent + " bytes of " + bytes.length);
            }
        }
    }

    static void sendText(Fd socket, String text) throws IOException {
        sendWithFds(socket, text.getBytes(StandardCharsets.US_ASCII), new int[0]);
    }
}
