package sluice.dmacore.space;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

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
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.LeakReport;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Mapping;
import sluice.iommu.space.Refusal;
import sluice.iommu.space.Splitting;
import sluice.iommu.space.Unmapped;

/**
 * A device's address space built by vfio-user's DMA_MAP and DMA_UNMAP, at addresses chosen by the front-end. It is
 * authoritative: an unmapped address faults.
 *
 * <p>A range maps a file, or memory without a file, which is accessed by messages to the front-end. Any thread may map
 * and unmap; a file is referenced while a part of it is mapped.
 */
public final class DmaMappedSpace {
    /** Limit of live mappings: a driver behind an IOMMU maps page by page. */
    public static final int MAX_MAPPINGS = 131_072;
    /**
     * Limit of mapped bytes, 64 TiB: each GiB uses memory of this process, and memory without a file costs the
     * front-end nothing.
     */
    public static final long MAX_BYTES = 1L << 46;

    /** Highest address of a radix table. */
    private static final AddressRange BUS = new AddressRange(0, (1L << 57) - 1);
    private static final long PAGE = MemoryRegion.PAGE;
    private static final int NO_SLOT = -1;
    private static final long ANY_ADDRESS = -1;
    /** Heap bytes of a mapping, without table nodes, which have a limit of their own. */
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

    /** A space with mappings that are not charged to a device. */
    public static DmaMappedSpace open(String name) {
        return open(name, Budget.ofProcess().own());
    }

    /**
     * An empty space over all bus addresses, in which up to {@link #MAX_MAPPINGS} ranges may be mapped, less if they are scattered.
     *
     * @param share charged for the heap of mappings
     */
    public static DmaMappedSpace open(String name, Share share) {
        return open(name, share, fault -> {});
    }

    /**
     * The same.
     *
     * @param told called for each fault on the accessing thread; must not wait
     */
    public static DmaMappedSpace open(String name, Share share, Consumer<FaultRecord> told) {
        return new DmaMappedSpace(IoSpace.open(IoSpaceOptions.of(name, BUS).withMaxMappings(MAX_MAPPINGS)
                .withFaultLog(IoSpaceOptions.DEFAULT_FAULTS, told)), share);
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

    /** The same; {@code trace} receives the cost of its translations. */
    public DmaReader openReader(DeviceTrace trace) {
        return openReader(trace, ANY_ADDRESS);
    }

    /**
     * The same for a device that cannot form all addresses.
     *
     * @param dmaMask the highest it can, 2^n − 1; accesses beyond it are recorded as OVER_MASK; −1 for any
     */
    public DmaReader openReader(DeviceTrace trace, long dmaMask) {
        return new DmaReader(table.openReader(), slots, trace, new AddressLimit(dmaMask, table));
    }

    /** A reader for lookups only: injection rules for the device's accesses do not apply. */
    public DmaReader openLookup() {
        return new DmaReader(table.openReader().exemptFromRules(), slots, DeviceTrace.NONE,
                new AddressLimit(ANY_ADDRESS, table));
    }

    /**
     * A translation of the driver's addresses to runs, for the calling thread only. From here on only this thread may
     * map and unmap.
     */
    public DmaMappedTranslation openTranslation() {
        return openTranslation(ANY_ADDRESS);
    }

    /** The same for a device that cannot form all addresses; see {@link #openReader(DeviceTrace, long)}. */
    public DmaMappedTranslation openTranslation(long dmaMask) {
        return new DmaMappedTranslation(this, openReader(DeviceTrace.NONE, dmaMask), slots);
    }

    /** Changes with each unmap. */
    public long generation() {
        return generation.get();
    }

    /**
     * Maps a part of a file, completely or not at all.
     *
     * @param address on the bus, a multiple of 4096
     * @param length in bytes, a multiple of 4096, more than 0
     * @param file is retained; the caller keeps its reference
     * @param offset in the file, a multiple of 4096
     * @throws DmaRefusedException EINVAL (misaligned, or outside of the file), EEXIST (something is mapped there), ERANGE (the
     *         address is too high), ENOSPC (too many mappings, files or bytes, a table that would be too large, or the
     *         device's share of the heap is used up)
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

    /** Maps memory without a file; otherwise the same. */
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
        // Checked before targets are allocated.
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
     * Unmaps all mappings in a range, which may contain several and gaps; returns when no access to them is in
     * progress, or the space's bound has expired.
     *
     * @return number of bytes unmapped
     * @throws DmaRefusedException EINVAL (misaligned), ERANGE (a mapping is only partly in the range); nothing is
     * changed
     * @throws IllegalStateException if called in a read section of the calling thread
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

    /** Unmaps everything, and reports what it was. */
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
