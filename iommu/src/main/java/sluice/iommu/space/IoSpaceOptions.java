package sluice.iommu.space;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

import sluice.iommu.AddressRange;
import sluice.iommu.PageSizes;
import sluice.iommu.epoch.HeavyBarrier;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.table.FlatTable;

/**
 * Options of an address space.
 *
 * @param name appears in faults and messages
 * @param aperture addresses that may be mapped
 * @param pageSizes supported page sizes; the smallest is the unit of every mapping
 * @param addressMask the highest address the device can form, all ones below its top bit; −1 for all 64 bits
 * @param reserved ranges that cannot be mapped; accesses to them fault as RESERVED
 * @param bypass whether all addresses of the aperture, except reserved ones, translate to themselves, without mappings
 * @param table which table
 * @param unmapBound how long an unmap waits for readers and pins before it revokes them
 * @param faultPolicy what a device does about a fault
 * @param faultCapacity records the fault log keeps
 * @param faultListener called for each fault on the accessing thread; must not wait
 * @param barrier the writer's barrier, which makes fence-free read sections correct
 * @param quarantineBytes bytes of freed addresses kept in quarantine
 * @param maxMappings limit of mappings
 * @param keepSites whether each mapping records its creating code: costs microseconds per map
 */
public record IoSpaceOptions(String name, AddressRange aperture, PageSizes pageSizes, long addressMask,
        List<AddressRange> reserved, boolean bypass, TableKind table, Duration unmapBound, FaultPolicy faultPolicy,
        int faultCapacity, Consumer<FaultRecord> faultListener, HeavyBarrier barrier, long quarantineBytes,
        int maxMappings, boolean keepSites) {

    /** The kind of table of a space. */
    public enum TableKind {
        /** Flat if the aperture is small enough, else radix. */
        AUTO,
        FLAT,
        RADIX
    }

    private static final Duration DEFAULT_BOUND = Duration.ofSeconds(1);
    /** Default number of records in the fault log. */
    public static final int DEFAULT_FAULTS = 256;
    private static final int DEFAULT_MAPPINGS = 65_536;
    /** Limit of the default quarantine, which is an eighth of the aperture. */
    private static final long MOST_QUARANTINE = 256L << 20;

    public IoSpaceOptions {
        reserved = List.copyOf(reserved);
        if ((addressMask & (addressMask + 1)) != 0 || addressMask == 0)
            throw new IllegalArgumentException("address mask 0x%x is not of the form 2^n - 1".formatted(addressMask));
        if (!pageSizes.aligned(aperture.first()) || !pageSizes.aligned(aperture.last() + 1)) {
            throw new IllegalArgumentException("aperture %s does not begin and end at a page of 0x%x bytes"
                    .formatted(aperture, pageSizes.smallest()));
        }
        if (Long.compareUnsigned(aperture.first(), addressMask) > 0) {
            throw new IllegalArgumentException("aperture %s lies above the address mask 0x%x".formatted(aperture,
                    addressMask));
        }
        if (unmapBound.isNegative()) throw new IllegalArgumentException("an unmap bound of " + unmapBound);
        if (quarantineBytes < 0 || maxMappings < 1)
            throw new IllegalArgumentException("quarantine of %d bytes, %d mappings at most".formatted(quarantineBytes,
                    maxMappings));
        if (table == TableKind.AUTO) table = fitsFlat(aperture) ? TableKind.FLAT : TableKind.RADIX;
    }

    private static boolean fitsFlat(AddressRange aperture) {
        return Long.compareUnsigned(aperture.last() - aperture.first(), FlatTable.MAX_BYTES) < 0;
    }

    /**
     * A space with pages of 4 KiB, 2 MiB and 1 GiB, no reserved range, an unmap bound of one second, and commands that fail
     * when they fault.
     */
    public static IoSpaceOptions of(String name, AddressRange aperture) {
        long eighth = (aperture.last() - aperture.first()) >>> 3;
        return new IoSpaceOptions(name, aperture, PageSizes.X86, -1, List.of(), false, TableKind.AUTO, DEFAULT_BOUND,
                new FaultPolicy.Abort(), DEFAULT_FAULTS, fault -> {}, HeavyBarrier.handshake(),
                Math.min(eighth, MOST_QUARANTINE), DEFAULT_MAPPINGS, false);
    }

    public IoSpaceOptions withPageSizes(PageSizes sizes) {
        return new IoSpaceOptions(name, aperture, sizes, addressMask, reserved, bypass, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withAddressMask(long mask) {
        return new IoSpaceOptions(name, aperture, pageSizes, mask, reserved, bypass, table, unmapBound, faultPolicy,
                faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withReserved(AddressRange... ranges) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, List.of(ranges), bypass, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withBypass() {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, true, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withTable(TableKind kind) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, kind, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withUnmapBound(Duration bound) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, bound, faultPolicy,
                faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withFaultPolicy(FaultPolicy policy) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, unmapBound, policy,
                faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withFaultLog(int capacity, Consumer<FaultRecord> listener) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, unmapBound,
                faultPolicy, capacity, listener, barrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withBarrier(HeavyBarrier heavyBarrier) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, heavyBarrier, quarantineBytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withQuarantine(long bytes) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, bytes, maxMappings, keepSites);
    }

    public IoSpaceOptions withMaxMappings(int most) {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, quarantineBytes, most, keepSites);
    }

    public IoSpaceOptions withSites() {
        return new IoSpaceOptions(name, aperture, pageSizes, addressMask, reserved, bypass, table, unmapBound,
                faultPolicy, faultCapacity, faultListener, barrier, quarantineBytes, maxMappings, true);
    }
}
