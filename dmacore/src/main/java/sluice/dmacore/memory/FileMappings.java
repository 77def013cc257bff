package sluice.dmacore.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.DmaBufFile;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.dmacore.linux.Mman;
import sluice.dmacore.linux.Seals;

/**
 * The mapped files of this process, by identity: a file that arrives again, by any descriptor, reuses its mapping.
 * Mappings are charged to a share.
 */
public final class FileMappings {
    private static final FileMappings PROCESS = new FileMappings(Budget.ofProcess());

    /** All files, for all shares. */
    private static final class Table {
        final Executor closer = Executors
                .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-unmap").daemon().factory());
        /** Guarded by the table. */
        final Map<FileId, FileMapping> byId = new ConcurrentHashMap<>();

        synchronized void forget(FileMapping mapping) {
            mapping.giveBackCharges();
            byId.remove(mapping.id(), mapping);
        }
    }

    private final Table table;
    private final Share share;
    private final Scratch.Source scratch;

    /** A table of its own with a given budget, for tests; all other code uses the table of the process. */
    public FileMappings(Budget budget) {
        this(budget, ScratchFile::open);
    }

    /** The same with scratch memory of another kind. */
    FileMappings(Budget budget, Scratch.Source scratch) {
        this(new Table(), budget.own(), scratch);
    }

    private FileMappings(Table table, Share share, Scratch.Source scratch) {
        this.table = table;
        this.share = share;
        this.scratch = scratch;
    }

    /** The files of this process. */
    public static FileMappings ofProcess() {
        return PROCESS;
    }

    /** The same table, charging mappings to {@code payer}. */
    public FileMappings paidBy(Share payer) {
        return new FileMappings(table, payer, scratch);
    }

    /**
     * Creates scratch memory.
     *
     * @param name shown in /proc as {@code memfd:name}; at most 249 bytes
     * @param bytes at least 1; rounded up to whole pages
     * @throws IOException if the share is used up, or the system has no memory or no descriptors left
     */
    public Scratch scratch(String name, long bytes) throws IOException {
        return scratch.open(name, bytes, this);
    }

    /**
     * Maps the file behind {@code fd}, or retains its mapping. The caller keeps {@code fd} and may close it at once; it
     * must {@linkplain FileMapping#release release} the mapping.
     *
     * <p>Files that are not kernel memory are refused before any other call on them: on FUSE or NFS each call, and each
     * page fault, may block indefinitely.
     *
     * @throws IOException if it is not a memfd or a file of tmpfs or hugetlbfs, is empty, or the share is used up
     */
    public FileMapping map(Fd fd) throws IOException {
        int seals = seals(fd);
        FileStatus status = FileStatus.of(fd);
        if (status.size() <= 0)
            throw new IOException("the memory file is empty, nothing can be mapped");
        return mapOrRetain(fd, FileId.of(status), status.size(), (seals & Seals.SHRINK) == 0);
    }

    /**
     * As {@link #map}, without blocking: retains a file that is already mapped and charged to the share. Otherwise
     * returns null, and a thread that may block must {@linkplain #map map} it.
     *
     * @throws IOException as {@link #map}
     */
    public @Nullable FileMapping known(Fd fd) throws IOException {
        seals(fd);
        FileStatus status = FileStatus.of(fd);
        FileMapping known = table.byId.get(FileId.of(status));
        if (known == null || known.size() != status.size() || !known.tryRetain()) return null;
        if (known.isPaidBy(share)) return known;
        known.release();
        return null;
    }

    private static int seals(Fd fd) throws IOException {
        int seals = Seals.get(fd);
        if (seals == Seals.NONE_POSSIBLE) {
            throw new IOException(
                    """
                            the descriptor is not a memory file: guest memory must be a memfd, or a file of tmpfs (/dev/shm) or \
                            hugetlbfs""");
        }
        return seals;
    }

    /**
     * Maps a whole dma-buf for reading and writing, or retains its mapping. A dma-buf has an identity of its own: two
     * dma-bufs over the same pages of a memfd are two mappings, distinct from that of the memfd. Its size never
     * changes, so it is not {@linkplain FileMapping#isShrinkable shrinkable}. Accesses are enclosed by {@link
     * DmaBufFile#syncStart} and {@link DmaBufFile#syncEnd} of the descriptor, which the caller keeps for that.
     *
     * <p>Only for exporters that keep their memory in place while it is mapped, such as udmabuf and dma-heaps: an
     * access to memory that a driver has revoked, for example after a hot-unplug, raises SIGBUS.
     *
     * @throws IOException if it is not a dma-buf, or the share is used up
     * @throws ErrnoException EINVAL (its exporter does not support mmap), EACCES (the descriptor is read-only), ENOMEM
     */
    public FileMapping mapDmaBuf(Fd fd) throws IOException {
        if (!DmaBufFile.isDmaBuf(fd)) {
            throw new IOException("""
                    the descriptor is not a dma-buf (mode 0%o): it must come from udmabuf, a dma-heap or an exporting \
                    driver""".formatted(FileStatus.of(fd).mode()));
        }
        try {
            return mapOrRetain(fd, FileId.of(FileStatus.of(fd)), DmaBufFile.size(fd), false);
        } catch (ErrnoException e) {
            throw e.because(switch (e.errno()) {
                case Errno.EACCES ->
                    "the descriptor of the dma-buf is not for reading and writing; get one with O_RDWR";
                case Errno.EINVAL -> "the exporter %s does not let the dma-buf be mapped".formatted(DmaBufFile.info(fd)
                        .exporter());
                default -> "the dma-buf could not be mapped";
            });
        }
    }

    private FileMapping mapOrRetain(Fd fd, FileId id, long size, boolean shrinkable) throws IOException {
        synchronized (table) {
            FileMapping known = table.byId.get(id);
            // A file with a changed size is mapped again, because truncated pages must not be accessible through a new
            // region. The old mapping lives until its references are released.
            if (known != null && known.size() == size && known.tryRetain()) return charged(known);
            FileMapping mapping = mapAnew(fd, id, size, shrinkable);
            table.byId.put(id, mapping);
            return mapping;
        }
    }

    private FileMapping charged(FileMapping known) throws IOException {
        boolean charged = false;
        try {
            known.charge(share);
            charged = true;
            return known;
        } finally {
            if (!charged) known.release();
        }
    }

    private FileMapping mapAnew(Fd fd, FileId id, long size, boolean shrinkable) throws IOException {
        FileCharge charge = FileCharge.take(share, size);
        Arena arena = Arena.ofShared();
        boolean mapped = false;
        try {
            MemorySegment segment = Mman.map(fd, 0, size, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            mapped = true;
            FileMapping mapping = new FileMapping(id, segment, shrinkable, arena, table.closer, table::forget);
            mapping.add(charge);
            return mapping;
        } finally {
            if (!mapped) {
                arena.close();
                charge.giveBack();
            }
        }
    }

    /** Number of mapped files. */
    public int count() {
        synchronized (table) {
            return table.byId.size();
        }
    }
}
