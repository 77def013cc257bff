package sluice.dmacore.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

import sluice.dmacore.linux.DmaBufFile;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.dmacore.linux.Mman;
import sluice.dmacore.linux.Seals;

/**
 * The files this process has mapped, by identity: a file that arrives a second time, under whatever descriptor, is the
 * mapping that is already there.
 */
public final class FileMappings {
    private static final FileMappings PROCESS = new FileMappings(VmaBudget.ofProcess());

    private final VmaBudget budget;
    private final Executor closer = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("sluice-unmap").daemon().factory());
    private final Map<FileId, FileMapping> byId = new HashMap<>();

    public FileMappings(VmaBudget budget) {
        this.budget = budget;
    }

    /** The files of this process. */
    public static FileMappings ofProcess() {
        return PROCESS;
    }

    /**
     * Maps the file behind {@code fd}, or retains its mapping. The caller keeps {@code fd} and may close it at once; it
     * must {@linkplain FileMapping#release release} the mapping.
     *
     * @throws IOException if it is not a file that can be mapped, is empty, or the mapping budget is used up
     */
    public synchronized FileMapping map(Fd fd) throws IOException {
        FileStatus status = FileStatus.of(fd);
        if (!status.isRegular()) {
            throw new IOException("""
                    the descriptor is not a memory file (mode 0%o): guest memory must be a memfd, tmpfs, hugetlbfs or \
                    regular file that is shared""".formatted(status.mode()));
        }
        if (status.size() <= 0)
            throw new IOException("the memory file is empty, nothing can be mapped");
        int seals = Seals.get(fd);
        return mapOrRetain(fd, FileId.of(status), status.size(),
                seals == Seals.NONE_POSSIBLE || (seals & Seals.SHRINK) == 0);
    }

    /**
     * Maps a whole dma-buf for reading and writing, or retains its mapping. It has an identity of its own: two dma-bufs
     * over the same pages of a memfd are two mappings, and neither is the memfd's. Its size never changes, so it is not
     * {@linkplain FileMapping#isShrinkable shrinkable}. Accesses stand between {@link DmaBufFile#syncStart} and
     * {@link DmaBufFile#syncEnd} of the descriptor, which the caller keeps for that.
     *
     * <p>Only for exporters that leave their memory in place while it is mapped, as udmabuf and the heaps do: an access to
     * memory that a driver has taken back (a device that was unplugged or revoked) is a SIGBUS.
     *
     * @throws IOException if it is no dma-buf, or the mapping budget is used up
     * @throws ErrnoException EINVAL (its exporter lets nobody map it), EACCES (the descriptor is not for writing), ENOMEM
     */
    public synchronized FileMapping mapDmaBuf(Fd fd) throws IOException {
        if (!DmaBufFile.isDmaBuf(fd)) {
            throw new IOException("""
                    the descriptor is no dma-buf (mode 0%o): it must come from udmabuf, a dma-heap or an exporting \
                    driver""".formatted(FileStatus.of(fd).mode()));
        }
        try {
            return mapOrRetain(fd, FileId.of(FileStatus.of(fd)), DmaBufFile.size(fd), false);
        } catch (ErrnoException e) {
            throw e.because(switch (e.errno()) {
                case Errno.EACCES ->
                    "the descriptor of the dma-buf is not for reading and writing; get one with O_RDWR";
                case Errno.EINVAL -> "the exporter %s lets nobody map the dma-buf".formatted(DmaBufFile.info(fd)
                        .exporter());
                default -> "the dma-buf could not be mapped";
            });
        }
    }

    private FileMapping mapOrRetain(Fd fd, FileId id, long size, boolean shrinkable) throws IOException {
        FileMapping known = byId.get(id);
        // A file whose size changed is mapped anew: what was cut off must not be reached through a new region. The old
        // mapping lives as long as its holders.
        if (known != null && known.size() == size && known.tryRetain())
            return known;
        FileMapping mapping = mapAnew(fd, id, size, shrinkable);
        byId.put(id, mapping);
        return mapping;
    }

    private FileMapping mapAnew(Fd fd, FileId id, long size, boolean shrinkable) throws IOException {
        budget.take(1);
        Arena arena = Arena.ofShared();
        boolean mapped = false;
        try {
            MemorySegment segment = Mman.map(fd, 0, size, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            mapped = true;
            return new FileMapping(id, segment, shrinkable, arena, closer, () -> forget(id));
        } finally {
            if (!mapped) {
                arena.close();
                budget.giveBack(1);
            }
        }
    }

    private synchronized void forget(FileId id) {
        budget.giveBack(1);
        FileMapping present = byId.get(id);
        if (present != null && !present.segment().scope().isAlive())
            byId.remove(id);
    }

    /** How many files are mapped now. */
    public synchronized int count() {
        return byId.size();
    }
}
