package sluice.dmacore.space;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.trace.DeviceTrace;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.LeakReport;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Mapping;
import sluice.iommu.space.Refusal;
import sluice.iommu.space.Splitting;
import sluice.iommu.space.Unmapped;

/**
 * A device's address space whose addresses the front-end chooses: what vfio-user's DMA_MAP and DMA_UNMAP build. It is
 * authoritative, so an address that is not here faults.
 *
 * <p>A range leads to a file, or to memory without one, which only the front-end reaches: a device asks it by messages for
 * that. Any thread may map and unmap; a file is held until nothing of it is mapped any more.
 */
public final class DmaMappedSpace {
    /** Live mappings: a driver behind an IOMMU maps page by page. */
    public static final int MAX_MAPPINGS = 131_072;
    /** Bytes mapped at a time, 64 TiB: each GiB of it takes memory of ours, and what is in no file costs its owner nothing. */
    public static final long MAX_BYTES = 1L << 46;

    /** What a radix table reaches. */
    private static final AddressRange BUS = new AddressRange(0, (1L << 57) - 1);
    private static final long PAGE = MemoryRegion.PAGE;
    private static final int NO_SLOT = -1;
    /** What a mapping takes of the heap, without the nodes of its table, which have a limit of their own. */
    private static final long MAPPING_BYTES = 320;

    private final IoSpace table;
    private final Share share;
    private final FileSlots slots = new FileSlots();
    private final AtomicLong generation = new AtomicLong();
    private final AtomicLong mappedBytes = new AtomicLong();

    private DmaMappedSpace(IoSpace table, Share share) {
        this.table = table;
        this.share = share;
    }

    /** A space whose mappings are paid for by no device. */
    public static DmaMappedSpace open(String name) {
        return open(name, Budget.ofProcess().own());
    }

    /**
     * An empty space over all bus addresses, in which up to {@link #MAX_MAPPINGS} ranges may be mapped, less if they are scattered.
     *
     * @param share from which the heap is taken that mappings need
     */
    public static DmaMappedSpace open(String name, Share share) {
        return new DmaMappedSpace(IoSpace.open(IoSpaceOptions.of(name, BUS).withMaxMappings(MAX_MAPPINGS)), share);
    }

    /** An empty space. */
    public static DmaMappedSpace open(IoSpaceOptions options) {
        return new DmaMappedSpace(IoSpace.open(options), Budget.ofProcess().own());
    }

    /** The table itself: its faults, its rules, what is mapped. Mapping in it directly leads nowhere. */
    public IoSpace table() {
        return table;
    }

    /** A reader for the calling thread, which is the only one that may use it. */
    public DmaReader openReader() {
        return openReader(DeviceTrace.NONE);
    }

    /** The same, and what its translations cost is told. */
    public DmaReader openReader(DeviceTrace trace) {
        return new DmaReader(table.openReader(), slots, trace);
    }

    /**
     * What the driver's addresses lead to, as runs, for the calling thread. It is the only one that may use it, and the only
     * one that maps and unmaps from now on.
     */
    public DmaMappedTranslation openTranslation() {
        return new DmaMappedTranslation(this, openReader(), slots);
    }

    /** Changes whenever something is taken away. */
    public long generation() {
        return generation.get();
    }

    /**
     * Maps a part of a file, all or nothing.
     *
     * @param address on the bus, a multiple of 4096
     * @param length in bytes, a multiple of 4096, more than 0
     * @param file is retained; the caller's reference stays the caller's
     * @param offset in the file, a multiple of 4096
     * @throws DmaRefusedException EINVAL (misaligned, or outside of the file), EEXIST (something is mapped there), ERANGE (the
     *         address is too high), ENOSPC (too many mappings, files or bytes, so far apart that the table would be too large, or
     *         the device's share of the heap is used up)
     */
    public void map(long address, long length, FileMapping file, long offset, Permission permission)
            throws DmaRefusedException {
        check(address, length);
        if (offset < 0 || (offset & (PAGE - 1)) != 0 || offset > file.size() - length) {
            throw new DmaRefusedException(Errno.EINVAL,
                    "%s: 0x%x bytes at 0x%x need file offset 0x%x, which must be a multiple of 4096, and the file has 0x%x bytes"
                            .formatted(name(), length, address, offset, file.size()));
        }
        int slot = slots.acquire(file);
        if (slot < 0) {
            throw new DmaRefusedException(Errno.ENOSPC,
                    "%s: %s is one file too many, or too large: the limit is %d files of 1 TiB".formatted(name(), file,
                            FileSlots.COUNT));
        }
        boolean mapped = false;
        try {
            map(address, TargetRuns.of(FileSlots.target(slot, offset), length), permission,
                    new Owner(slot, "the front-end"));
            mapped = true;
        } finally {
            if (!mapped) slots.release(slot);
        }
    }

    /** Maps memory that only the front-end reaches; otherwise the same. */
    public void mapWithoutFile(long address, long length, Permission permission) throws DmaRefusedException {
        check(address, length);
        TargetRuns targets = new TargetRuns();
        FileSlots.addWithoutFile(address, length, targets);
        map(address, targets, permission, new Owner(NO_SLOT, "the front-end, without a file"));
    }

    private void check(long address, long length) throws DmaRefusedException {
        if (((address | length) & (PAGE - 1)) != 0 || length == 0) {
            throw new DmaRefusedException(Errno.EINVAL,
                    "%s: 0x%x bytes at 0x%x: address and length must be multiples of 4096, and the length not 0"
                            .formatted(name(), length, address));
        }
        // Before targets are made of it, of which there can be no more.
        if (length < 0 || length > BUS.last()) {
            throw new DmaRefusedException(Errno.ERANGE,
                    "%s: 0x%x bytes at 0x%x are more than the bus has".formatted(name(), length, address));
        }
        if (length > MAX_BYTES - mappedBytes.get()) {
            throw new DmaRefusedException(Errno.ENOSPC,
                    "%s: 0x%x bytes at 0x%x are too many: 0x%x are mapped, and the limit is 0x%x".formatted(name(),
                            length, address, mappedBytes.get(), MAX_BYTES));
        }
    }

    private void map(long address, TargetRuns targets, Permission permission, Owner owner)
            throws DmaRefusedException {
        boolean mapped = false;
        try {
            share.take(Resource.HEAP, MAPPING_BYTES);
        } catch (ShareUsedUpException e) {
            throw new DmaRefusedException(Errno.ENOSPC, String.valueOf(e.getMessage()));
        }
        try {
            table.map(address, targets, permission, owner);
            mappedBytes.addAndGet(targets.bytes());
            mapped = true;
        } catch (MapException e) {
            throw refused(e);
        } finally {
            if (!mapped) share.giveBack(Resource.HEAP, MAPPING_BYTES);
        }
    }

    /**
     * Takes a range away from the device; returns when nothing reads or writes it any more, or the space's bound is over.
     * Mappings that lie in it end; there may be several, and gaps between them.
     *
     * @return bytes that were mapped
     * @throws DmaRefusedException EINVAL (misaligned), ERANGE (a mapping lies only partly in it); nothing is changed
     * @throws IllegalStateException from inside of a read section of the calling thread
     */
    public long unmap(AddressRange range) throws DmaRefusedException {
        try {
            Unmapped ended = table.unmap(range, Splitting.REFUSED);
            if (ended.bytes() == 0) return 0;
            letGo(ended.mappings());
            return ended.bytes();
        } catch (MapException e) {
            throw refused(e);
        }
    }

    /** Takes everything away, and says what it was. */
    public LeakReport clear() {
        LeakReport report = table.detach();
        letGo(report.mappings());
        return report;
    }

    private void letGo(List<Mapping> ended) {
        generation.incrementAndGet();
        share.giveBack(Resource.HEAP, ended.size() * MAPPING_BYTES);
        for (Mapping mapping : ended) {
            mappedBytes.addAndGet(-mapping.length());
            int slot = (int) mapping.owner().tag();
            if (slot != NO_SLOT) slots.release(slot);
        }
    }

    private static DmaRefusedException refused(MapException e) {
        int errno = e.refusal() == Refusal.OVERLAP ? Errno.EEXIST : e.errno();
        return new DmaRefusedException(errno, String.valueOf(e.getMessage()));
    }

    private String name() {
        return table.options().name();
    }
}
