package sluice.dmacore.space;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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
 * One device's own address space over guest memory: an {@link IoSpace} whose targets are offsets in files. What is mapped
 * here holds its files until it is unmapped. Any thread may map and unmap.
 */
public final class DeviceSpace {
    private static final long PAGE = MemoryRegion.PAGE;
    /** Every target there is. */
    private static final AddressRange ALL_MEMORY = AddressRange.of(0, Targets.MAX + 1);

    private final IoSpace table;
    private final FileSlots slots;

    private DeviceSpace(IoSpace table, FileSlots slots) {
        this.table = table;
        this.slots = slots;
    }

    /** An empty space. */
    public static DeviceSpace open(IoSpaceOptions options) {
        return new DeviceSpace(IoSpace.open(options), new FileSlots());
    }

    /**
     * What a device without an IOMMU sees: all memory that any such device of the machine uses, each file at the same address
     * for all. What is mapped here keeps its scattered addresses, and nothing keeps the device from others.
     */
    public static DeviceSpace withoutIommu(String name, SystemMemory memory) {
        return new DeviceSpace(IoSpace.open(IoSpaceOptions.of(name, ALL_MEMORY).withBypass()), memory.slots());
    }

    /** Whether addresses are those of memory itself. */
    public boolean isIdentity() {
        return table.options().bypass();
    }

    /** The table itself: its faults, its rules, what is mapped. Mapping in it directly leads nowhere. */
    public IoSpace table() {
        return table;
    }

    /** A reader for the calling thread, which is the only one that may use it. */
    public DeviceReader openReader() {
        return new DeviceReader(table.openReader(), slots, isIdentity());
    }

    /**
     * Maps memory where there is room, all or nothing. Where it begins or ends inside of a page the device could reach the
     * rest of that page as well, as with any IOMMU; {@link Segments} do not lead there.
     *
     * @param memory at least one run
     * @throws MapException if there is no room, or there are too many mappings
     */
    public Segments map(Runs memory, Permission permission, Owner owner) throws MapException {
        return map(memory, permission, owner, Placement.ANYWHERE);
    }

    /** As {@link #map(Runs, Permission, Owner)}, each segment placed as it says; without an IOMMU there is no choice. */
    public Segments map(Runs memory, Permission permission, Owner owner, Placement placement) throws MapException {
        Building building = new Building(memory.count(), permission, owner, placement);
        boolean done = false;
        try {
            for (int run = 0; run < memory.count(); run++)
                building.add(memory.mapping(run), memory.offset(run), memory.length(run));
            building.endSegment();
            done = true;
            return building.segments();
        } finally {
            if (!done) building.undo();
        }
    }

    /**
     * Takes memory away from the device; returns when nothing reads or writes it any more, or the space's bound is over.
     *
     * @throws IllegalStateException from inside of a read section of the calling thread, with nothing changed; or if it was
     *         unmapped already: its slots may be those of other mappings by now
     */
    public void unmap(Segments segments) {
        for (Mapping mapping : segments.mappings()) table.unmap(mapping);
        // Without an IOMMU there is no mapping that readers could be waited for with.
        if (isIdentity()) table.awaitReaders();
        if (!segments.giveUpSlots())
            throw new IllegalStateException(table.options().name() + ": these segments were unmapped already");
        for (int slot : segments.slots()) slots.release(slot);
    }

    /** Whether the calling thread is inside of a read section of this space: then it may not unmap. */
    public boolean insideSection() {
        return table.insideSection();
    }

    /** Takes the space from its device, and says what was still mapped. What was is to be unmapped nevertheless. */
    public LeakReport detach() {
        return table.detach();
    }

    /** A list of segments while it grows. */
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
        /** The segment that grows: where in its first page it begins, and its bytes. */
        private long into;
        private long bytes;
        private @Nullable FileMapping lastFile;
        private int lastSlot = -1;

        Building(int runs, Permission permission, Owner owner, Placement placement) {
            this.placement = placement;
            pages = new TargetRuns(runs);
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

        void undo() {
            unmap(segments());
        }
    }
}
