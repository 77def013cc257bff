package sluice.dmacore.space;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.memory.Runs;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.Targets;
import sluice.iommu.space.IoSpace;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.LeakReport;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Mapping;
import sluice.iommu.space.Placement;

/**
 * One device's own address space over guest memory: an {@link IoSpace} with offsets in files as targets. A mapping
 * holds references to its files until it is unmapped. Any thread may map and unmap.
 */
public final class DeviceSpace {
    private static final long PAGE = MemoryRegion.PAGE;
    /** All targets. */
    private static final AddressRange ALL_MEMORY = AddressRange.of(0, Targets.MAX + 1);

    /** Longest list of targets that is kept for the next mapping. */
    private static final int MOST_KEPT = 16_384;

    private final IoSpace table;
    private final FileSlots slots;
    /** The list of targets of the last mapping, to be filled again. */
    private final AtomicReference<@Nullable TargetRuns> spare = new AtomicReference<>();

    private DeviceSpace(IoSpace table, FileSlots slots) {
        this.table = table;
        this.slots = slots;
    }

    /** An empty space. */
    public static DeviceSpace open(IoSpaceOptions options) {
        return new DeviceSpace(IoSpace.open(options), new FileSlots());
    }

    /**
     * The space of a device without an IOMMU: all memory used by such devices of the machine, with the same addresses
     * for all of them. Mapped memory keeps its scattered addresses, and the device is not isolated from other memory.
     */
    public static DeviceSpace withoutIommu(String name, SystemMemory memory) {
        return new DeviceSpace(IoSpace.open(IoSpaceOptions.of(name, ALL_MEMORY).withBypass()), memory.slots());
    }

    /** Whether device addresses are memory addresses (no IOMMU). */
    public boolean isIdentity() {
        return table.options().bypass();
    }

    /** The table, with its faults, rules and mappings. Must not be mapped directly. */
    public IoSpace table() {
        return table;
    }

    /** A reader for the calling thread only. */
    public DeviceReader openReader() {
        return new DeviceReader(table.openReader(), slots, isIdentity());
    }

    /**
     * Maps memory at any free addresses, completely or not at all. A partial page is mapped as a whole, as with any
     * IOMMU, but the {@link Segments} do not include the rest of it.
     *
     * @param memory at least one run
     * @throws MapException if there is no room, or there are too many mappings
     */
    public Segments map(Runs memory, Permission permission, Owner owner) throws MapException {
        return map(memory, permission, owner, Placement.ANYWHERE);
    }

    /** As {@link #map(Runs, Permission, Owner)}, with a placement for each segment; ignored without an IOMMU. */
    public Segments map(Runs memory, Permission permission, Owner owner, Placement placement) throws MapException {
        Building building = new Building(memory.count(), permission, owner, placement);
        boolean done = false;
        try {
            if (!isIdentity() && memory.areWhole(PAGE)) {
                building.addPages(memory);
            } else {
                for (int run = 0; run < memory.count(); run++)
                    building.add(memory.mapping(run), memory.offset(run), memory.length(run));
            }
            building.endSegment();
            done = true;
            return building.segments();
        } finally {
            if (!done) building.undo();
            building.end();
        }
    }

    /**
     * Unmaps memory; returns when no access to it is in progress, or the space's bound has expired.
     *
     * @throws IllegalStateException if called in a read section of the calling thread, with nothing changed; or if it
     * was unmapped already, because its slots may be in use by other mappings
     */
    public void unmap(Segments segments) {
        for (Mapping mapping : segments.mappings()) table.unmap(mapping);
        // Without an IOMMU there is no mapping, so readers are not waited for.
        if (isIdentity()) table.awaitReaders();
        if (!segments.giveUpSlots())
            throw new IllegalStateException(table.options().name() + ": these segments were unmapped already");
        for (int slot : segments.slots()) slots.release(slot);
    }

    /** Whether the calling thread is in a read section of this space, in which it must not unmap. */
    public boolean insideSection() {
        return table.insideSection();
    }

    /** Detaches the space from its device, and reports remaining mappings, which must still be unmapped. */
    public LeakReport detach() {
        return table.detach();
    }

    /** A list of segments under construction. */
    private final class Building {
        private final Permission permission;
        private final Owner owner;
        private final Placement placement;
        private final List<Mapping> mappings = new ArrayList<>();
        private final TargetRuns pages;
        private long[] addresses = new long[1];
        private long[] starts = new long[2];
        private int count;
        private int[] held = new int[1];
        private int heldCount;
        /** The current segment: its offset in the first page, and its length. */
        private long into;
        private long bytes;
        private @Nullable FileMapping lastFile;
        private int lastSlot = -1;

        Building(int runs, Permission permission, Owner owner, Placement placement) {
            this.placement = placement;
            TargetRuns kept = spare.getAndSet(null);
            pages = kept == null ? new TargetRuns(runs) : kept;
            pages.reserve(runs);
            this.permission = permission;
            this.owner = owner;
        }

        void add(FileMapping file, long offset, long length) throws MapException {
            boolean wholeSoFar = ((into + bytes) & (PAGE - 1)) == 0;
            if (bytes > 0 && (isIdentity() || !wholeSoFar || (offset & (PAGE - 1)) != 0)) endSegment();
            if (bytes == 0) into = offset & (PAGE - 1);
            long first = offset & -PAGE;
            long end = (offset + length + PAGE - 1) & -PAGE;
            pages.add(FileSlots.target(slotOf(file), first), end - first);
            bytes += length;
        }

        /** Whole pages, in one segment however scattered. */
        void addPages(Runs memory) throws MapException {
            int end;
            for (int run = 0; run < memory.count(); run = end) {
                long slot = FileSlots.target(slotOf(memory.mapping(run)), 0);
                end = memory.endOfFile(run);
                memory.addTo(pages, slot, run, end);
            }
            bytes = memory.bytes();
        }

        private int slotOf(FileMapping file) throws MapException {
            if (lastSlot >= 0 && file.equals(lastFile)) return lastSlot;
            int slot = slots.acquire(file);
            if (slot < 0) {
                throw MapException.noRoom("%s: %s is one file too many, or too large: the limit is %d files of 1 TiB"
                        .formatted(table.options().name(), file, FileSlots.COUNT));
            }
            if (heldCount == held.length) held = Arrays.copyOf(held, heldCount * 2);
            held[heldCount++] = slot;
            lastFile = file;
            lastSlot = slot;
            return slot;
        }

        void endSegment() throws MapException {
            if (bytes == 0) return;
            long address = pages.target(0);
            if (!isIdentity()) {
                Mapping mapping = table.map(placement, pages, permission, owner);
                mappings.add(mapping);
                address = mapping.range().first();
            }
            if (count == addresses.length) {
                addresses = Arrays.copyOf(addresses, count * 2);
                starts = Arrays.copyOf(starts, count * 2 + 1);
            }
            addresses[count] = address + into;
            starts[count + 1] = starts[count] + bytes;
            count++;
            pages.clear();
            bytes = 0;
        }

        Segments segments() {
            return new Segments(Arrays.copyOf(addresses, count), Arrays.copyOf(starts, count + 1), mappings,
                    Arrays.copyOf(held, heldCount));
        }

        /** Leaves the list of targets for the next mapping. */
        void end() {
            pages.clear();
            if (pages.room() <= MOST_KEPT) spare.set(pages);
        }

        void undo() {
            unmap(segments());
        }
    }
}
