package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * Operations on the descriptor of a kernel dma-buf of any exporter: {@code linux/dma-buf.h} and {@code
 * drivers/dma-buf/dma-buf.c}.
 *
 * <p>CPU accesses to a mapping are enclosed by {@link #syncStart} and {@link #syncEnd}. The kernel does not check the
 * balance: a bracket closed twice, or with another direction, is not detected, so the caller must keep the balance.
 */
public final class DmaBufFile {
    /** The longest name, in bytes of UTF-8. */
    public static final int LONGEST_NAME = 31;

    static final IoctlRequest SYNC = IoctlRequest.write("DMA_BUF_IOCTL_SYNC", 'b', 0, Long.BYTES);
    /** The form of 64-bit user space; the argument is the name's address itself. */
    static final IoctlRequest SET_NAME = IoctlRequest.write("DMA_BUF_SET_NAME_B", 'b', 1, Long.BYTES);
    static final IoctlRequest EXPORT_SYNC_FILE = IoctlRequest.readWrite("DMA_BUF_IOCTL_EXPORT_SYNC_FILE", 'b', 2, 8);
    static final IoctlRequest IMPORT_SYNC_FILE = IoctlRequest.write("DMA_BUF_IOCTL_IMPORT_SYNC_FILE", 'b', 3, 8);
    static final long SYNC_END = 1 << 2;
    /** Both structures of a sync file: flags, then descriptor, 32 bits each. */
    static final long SYNC_FILE_FLAGS = 0;
    static final long SYNC_FILE_FD = 4;
    /** {@code linux/magic.h}; the type is the first field of {@code struct statfs}, 64 bits wide. */
    static final long DMA_BUF_MAGIC = 0x444d4142;
    static final long STATFS_BYTES = 120;
    static final long POLLFD_BYTES = 8;
    static final long POLLFD_EVENTS = 4;
    static final long POLLFD_REVENTS = 6;
    static final short POLLIN = 1;
    static final short POLLOUT = 4;

    private static final long RESTART_NANOS = Duration.ofSeconds(1).toNanos();

    private DmaBufFile() {}

    /**
     * Whether a descriptor, such as one from a peer, is a dma-buf: whether it is on the kernel's dma-buf file system.
     *
     * @throws ErrnoException a failure of fstatfs(2), such as EBADF
     */
    public static boolean isDmaBuf(Fd fd) throws ErrnoException {
        MemorySegment statfs = Libc.scratch();
        Link.FSTATFS.orThrow(Link.FSTATFS.callThroughSignals(fd.number(), statfs.address(), 0));
        return statfs.get(JAVA_LONG, 0) == DMA_BUF_MAGIC;
    }

    /**
     * The size, which is constant, from lseek(2).
     *
     * @return bytes, a multiple of the page size
     * @throws ErrnoException ESPIPE or EINVAL if it is not a dma-buf
     */
    public static long size(Fd fd) throws ErrnoException {
        return Unistd.LSEEK.orThrow(Unistd.LSEEK.call(fd.number(), 0, Unistd.SEEK_END));
    }

    /**
     * Opens a bracket around accesses of the CPU: what devices have written becomes visible to it. The kernel first waits
     * for the fences of devices that still use the buffer.
     *
     * @throws ErrnoException ENOTTY (no dma-buf), ENOMEM, or what the exporter reports
     */
    public static void syncStart(Fd fd, SyncAccess access) throws ErrnoException {
        try {
            sync(fd, access.flags());
        } catch (ErrnoException e) {
            throw e.because("at the start of an access to " + access);
        }
    }

    /**
     * Closes a bracket: what the CPU has written becomes visible to devices.
     *
     * @throws ErrnoException ENOTTY (no dma-buf), EINVAL (a udmabuf on which no bracket was ever opened), or what the
     *         exporter reports
     */
    public static void syncEnd(Fd fd, SyncAccess access) throws ErrnoException {
        try {
            sync(fd, SYNC_END | access.flags());
        } catch (ErrnoException e) {
            throw e.because("at the end of an access to " + access);
        }
    }

    /**
     * DMA_BUF_IOCTL_SYNC with any flags. EAGAIN is to be restarted like EINTR
     * ({@code Documentation/driver-api/dma-buf.rst}); an exporter that returns it for a whole second is reported.
     *
     * @throws ErrnoException EINVAL for unknown flags or none
     */
    static void sync(Fd fd, long flags) throws ErrnoException {
        MemorySegment sync = Libc.scratch();
        long began = 0;
        while (true) {
            sync.set(JAVA_LONG, 0, flags);
            try {
                Ioctl.call(fd, SYNC, sync);
                return;
            } catch (ErrnoException e) {
                long now = System.nanoTime();
                if (began == 0) {
                    began = now;
                }
                if (e.errno() != Errno.EAGAIN || now - began > RESTART_NANOS) {
                    throw e;
                }
                Thread.onSpinWait();
            }
        }
    }

    /**
     * Names the buffer for debugging; shown by {@link #info} and in the kernel's list of all buffers.
     *
     * @param name at most {@value #LONGEST_NAME} bytes of UTF-8
     * @throws ErrnoException EINVAL (too long), ENOTTY (no dma-buf)
     */
    public static void setName(Fd fd, String name) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            Ioctl.call(fd, SET_NAME, arena.allocateFrom(name));
        } catch (ErrnoException e) {
            int bytes = name.getBytes(StandardCharsets.UTF_8).length;
            if (e.errno() == Errno.EINVAL && bytes > LONGEST_NAME) {
                throw e.because("the name of a dma-buf has at most " + LONGEST_NAME + " bytes, but \"" + name
                        + "\" has " + bytes + "; shorten it");
            }
            throw e;
        }
    }

    /**
     * Exports a sync file with the fences that an access of this kind must wait for: device writes before a READ, all
     * device uses before a WRITE. For an idle buffer it is already signalled.
     *
     * @throws ErrnoException ENOTTY (no dma-buf, or a kernel before 6.0), EMFILE, ENOMEM
     */
    public static Fd exportSyncFile(Fd fd, SyncAccess access) throws ErrnoException {
        return exportSyncFile(fd, access.flags());
    }

    static Fd exportSyncFile(Fd fd, int flags) throws ErrnoException {
        MemorySegment argument = Libc.scratch();
        argument.set(JAVA_INT, SYNC_FILE_FLAGS, flags);
        argument.set(JAVA_INT, SYNC_FILE_FD, -1);
        Ioctl.call(fd, EXPORT_SYNC_FILE, argument);
        return Fd.own(argument.get(JAVA_INT, SYNC_FILE_FD));
    }

    /**
     * Imports a sync file for which devices must wait: as the fence of a reader (READ), for which only writers wait, or
     * of a writer (WRITE, READ_WRITE), for which all wait.
     *
     * @param syncFile remains owned by the caller
     * @throws ErrnoException EINVAL (not a sync file), ENOTTY (no dma-buf, or a kernel before 6.0), ENOMEM
     */
    public static void importSyncFile(Fd fd, SyncAccess access, Fd syncFile) throws ErrnoException {
        importSyncFile(fd, access.flags(), syncFile.number());
    }

    static void importSyncFile(Fd fd, int flags, int syncFile) throws ErrnoException {
        MemorySegment argument = Libc.scratch();
        argument.set(JAVA_INT, SYNC_FILE_FLAGS, flags);
        argument.set(JAVA_INT, SYNC_FILE_FD, syncFile);
        Ioctl.call(fd, IMPORT_SYNC_FILE, argument);
    }

    /**
     * Waits with poll(2) for the fences that an access of this kind must wait for. Does not maintain caches; {@link
     * #syncStart} is still required.
     *
     * @param limit at most 2^31-1 milliseconds; zero polls. Signals may prolong it.
     * @return false on timeout
     * @throws ErrnoException ENOMEM
     */
    public static boolean awaitIdle(Fd fd, SyncAccess access, Duration limit) throws ErrnoException {
        short wanted = access == SyncAccess.READ ? POLLIN : POLLOUT;
        return (poll(fd, wanted, limit) & wanted) != 0;
    }

    /** The pending events among {@code events}; 0 on timeout. */
    static short poll(Fd fd, short events, Duration limit) throws ErrnoException {
        MemorySegment pollfd = Libc.scratch();
        pollfd.set(JAVA_INT, 0, fd.number());
        pollfd.set(JAVA_SHORT, POLLFD_EVENTS, events);
        pollfd.set(JAVA_SHORT, POLLFD_REVENTS, (short) 0);
        // An int in C; a negative value would wait for ever.
        long millis = Math.max(0, Math.min(limit.toMillis(), Integer.MAX_VALUE));
        Link.POLL.orThrow(Link.POLL.callThroughSignals(pollfd.address(), 1, millis));
        return pollfd.get(JAVA_SHORT, POLLFD_REVENTS);
    }

    /**
     * Reads the kernel's description of a dma-buf.
     *
     * @throws IOException it is not a dma-buf, or /proc is not mounted
     */
    public static DmaBufInfo info(Fd fd) throws IOException {
        Path source = Path.of("/proc/self/fdinfo/" + fd.number());
        Map<String, String> fields = new HashMap<>();
        for (String line : Files.readAllLines(source)) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        }
        String size = fields.get("size");
        String count = fields.get("count");
        if (size == null || count == null) {
            throw new IOException(fd + " is not a dma-buf: " + source + " has no size and count of one.");
        }
        return new DmaBufInfo(Long.parseLong(size), Long.parseLong(count), fields.getOrDefault("exp_name", ""),
                fields.get("name"));
    }

    private static final class Link {
        static final NativeCall FSTATFS = NativeCall.returningInt("fstatfs");
        static final NativeCall POLL = NativeCall.returningInt("poll");
    }
}
