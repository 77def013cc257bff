package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * Adds 1 to an eventfd by the kernel's {@code eventfd_signal}, which never blocks.
 *
 * <p>A write(2) blocks while the counter is full, unless the open file is non-blocking. All holders of the file share
 * that flag, so a peer that passed us its eventfd can fill the counter, clear O_NONBLOCK and block the writer
 * indefinitely. Setting the flag or polling before each write is racy, and pwritev2(2) with RWF_NOWAIT is not supported
 * for writes to an eventfd (EOPNOTSUPP). An operation of Linux AIO that completes at once and signals the eventfd
 * (IOCB_FLAG_RESFD) has no such race: a full counter stays full, and io_submit(2) returns. The operation is a poll of
 * the eventfd itself, which always has one of POLLIN, POLLOUT and POLLERR. It costs 0.4 µs more than the write.
 */
final class KernelSignal {
    static final long IOCB_BYTES = 64;
    static final long AIO_LIO_OPCODE = 16;
    static final long AIO_FILDES = 20;
    static final long AIO_BUF = 24;
    static final long AIO_FLAGS = 56;
    static final long AIO_RESFD = 60;
    static final long IO_EVENT_BYTES = 32;
    static final int IOCB_CMD_POLL = 5;
    static final int IOCB_FLAG_RESFD = 1;
    static final int POLLIN = 1;
    static final int POLLOUT = 4;

    // asm/unistd.h; the C library has no functions for these.
    private static final boolean ARM = System.getProperty("os.arch", "").equals("aarch64");
    static final long IO_SETUP = ARM ? 0 : 206;
    static final long IO_SUBMIT = ARM ? 2 : 209;
    static final long IO_GETEVENTS = ARM ? 4 : 208;

    /** Completed operations in the context before they are collected. */
    private static final int CONTEXT_EVENTS = 256;
    private static final int COLLECTED = 64;
    /** Concurrent signals may use the collected slots; more retries are never needed. */
    private static final int ATTEMPTS = 1000;

    private static final ThreadLocal<Request> REQUEST = ThreadLocal.withInitial(Request::new);

    private KernelSignal() {}

    /** Whether AIO is available: the kernel may lack it, a sandbox may forbid it, or fs.aio-max-nr may be used up. */
    static boolean isOffered() {
        return Link.CONTEXT != 0;
    }

    /** Adds 1, unless the counter is full. Returns 0, or -errno such as -EINVAL if it is not an eventfd. */
    static long raise(int eventfd) {
        Request request = REQUEST.get();
        request.iocb.set(JAVA_INT, AIO_FILDES, eventfd);
        request.iocb.set(JAVA_INT, AIO_RESFD, eventfd);
        for (int i = 0; i < ATTEMPTS; i++) {
            long result = Link.SYSCALL.call(IO_SUBMIT, Link.CONTEXT, 1, request.list.address(), 0, 0);
            if (result != -Errno.EAGAIN) return result == 1 ? 0 : result;
            request.collect();
        }
        return -Errno.EAGAIN;
    }

    /** The request block of one thread. Garbage-collected with its thread. */
    private static final class Request {
        final MemorySegment iocb;
        /** The single entry of the list for io_submit. */
        final MemorySegment list;
        private final MemorySegment events;
        private final MemorySegment noTime;

        Request() {
            Arena arena = Arena.ofAuto();
            iocb = arena.allocate(IOCB_BYTES, 8);
            list = arena.allocate(JAVA_LONG);
            events = arena.allocate(COLLECTED * IO_EVENT_BYTES, 8);
            noTime = arena.allocate(2 * JAVA_LONG.byteSize(), 8);
            iocb.set(JAVA_SHORT, AIO_LIO_OPCODE, (short) IOCB_CMD_POLL);
            iocb.set(JAVA_LONG, AIO_BUF, POLLIN | POLLOUT);
            iocb.set(JAVA_INT, AIO_FLAGS, IOCB_FLAG_RESFD);
            list.set(JAVA_LONG, 0, iocb.address());
        }

        /** Removes completed operations from the context. */
        void collect() {
            long got;
            do {
                got = Link.SYSCALL.call(IO_GETEVENTS, Link.CONTEXT, 0, COLLECTED, events.address(),
                        noTime.address());
            } while (got == COLLECTED);
        }
    }

    private static final class Link {
        /** Variadic in C after the number. */
        static final NativeCall SYSCALL = NativeCall.returningLong("syscall", Linker.Option.firstVariadicArg(1));
        /** The process's AIO context, or 0. It lives as long as the process. */
        static final long CONTEXT = setUp();

        private static long setUp() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment context = arena.allocate(JAVA_LONG);
                long result = SYSCALL.call(IO_SETUP, CONTEXT_EVENTS, context.address(), 0, 0, 0);
                return result < 0 ? 0 : context.get(JAVA_LONG, 0);
            }
        }
    }
}
