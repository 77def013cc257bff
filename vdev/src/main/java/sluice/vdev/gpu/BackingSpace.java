package sluice.vdev.gpu;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.BusRanges;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.DeviceReader;
import sluice.dmacore.space.DeviceSpace;
import sluice.dmacore.space.Segments;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;

/**
 * The GPU's own address space: the backings of its resources are mapped in it, to be read, and everything the GPU reads of
 * them it reads through it.
 */
final class BackingSpace {
    /** As much as a flat table takes: 64 screens of 4K. */
    private static final AddressRange APERTURE = AddressRange.of(0, 1L << 32);
    private static final Logger LOG = LoggerFactory.getLogger(BackingSpace.class);

    private final DeviceSpace space;
    private final BusRanges ranges = new BusRanges();
    private final Runs found = new Runs();
    private @Nullable DeviceReader reader;
    private @Nullable FrontTranslation memory;
    /** Whose addresses are being looked up. */
    private @Nullable Backing resolving;

    BackingSpace(String name) {
        // Nobody but the device's own loop reads here, so nothing waits for a reader.
        space = DeviceSpace.open(IoSpaceOptions.of(name, APERTURE)
                .withFaultLog(IoSpaceOptions.DEFAULT_FAULTS, fault -> LOG.warn("{}", fault)));
    }

    DeviceSpace space() {
        return space;
    }

    void setMemory(FrontTranslation translation) {
        memory = translation;
    }

    /** The translation the addresses of commands go through. */
    FrontTranslation memory() {
        FrontTranslation present = memory;
        if (present == null) throw new IllegalStateException("a command before the device was started");
        return present;
    }

    /** What became of an attempt to map a backing. */
    enum Mapped {
        YES,
        /** The VM's IOMMU has to be asked: try again when it has answered. */
        NOT_YET,
        /** The addresses are nobody's memory, or may not be read. */
        NO_SUCH_MEMORY,
        /** The GPU's address space is full. */
        NO_ROOM
    }

    /** Maps a backing, unless it is mapped. */
    Mapped map(Backing backing, int resourceId) {
        FrontTranslation translation = memory();
        if (backing.isMapped(translation.memory().number())) return Mapped.YES;
        letGo(backing); // what it had in the table before
        if (backing.bytes() > APERTURE.size()) return Mapped.NO_ROOM;
        if (!backing.equals(resolving)) {
            resolving = backing;
            ranges.begin(backing.entries());
        }
        switch (ranges.advance(translation, Access.READ)) {
            case MISS -> {
                return Mapped.NOT_YET;
            }
            case FAULT -> {
                forget();
                // Not a warning: a guest can have this as often as it likes.
                LOG.debug("the pages attached to resource {} are not all guest memory: 0x{} is not", resourceId,
                        Long.toHexString(translation.failedAddress()));
                return Mapped.NO_SUCH_MEMORY;
            }
            case RESOLVED -> {
            }
        }
        try {
            Segments segments = space.map(ranges.runs(), Permission.READ_ONLY,
                    new Owner(Integer.toUnsignedLong(resourceId), "resource " + Integer.toUnsignedString(resourceId)));
            backing.setMapped(segments, translation.memory().number());
            return Mapped.YES;
        } catch (MapException e) {
            LOG.debug("the pages of resource {} cannot be mapped: {}", resourceId, e.getMessage());
            return Mapped.NO_ROOM;
        } finally {
            forget();
        }
    }

    /** Whatever was being looked up is not wanted any more. */
    void forget() {
        resolving = null;
        ranges.end();
    }

    void unmap(Backing backing) {
        if (backing.equals(resolving)) forget();
        letGo(backing);
    }

    private void letGo(Backing backing) {
        Segments segments = backing.segments();
        backing.setUnmapped();
        if (segments != null) space.unmap(segments);
    }

    /** Begins a read section, in which what {@link #find} returns may be used. */
    ReadSection enter() {
        return reader().enter();
    }

    /** A part of a mapped backing; null if the access faulted, which is recorded. Good until the read section ends. */
    @Nullable
    Runs find(Backing backing, long offset, long bytes) {
        Segments segments = backing.segments();
        if (segments == null) throw new IllegalStateException("a backing is read that is not mapped");
        return reader().resolve(segments, offset, bytes, Access.READ, found) == Outcome.RESOLVED ? found : null;
    }

    private DeviceReader reader() {
        DeviceReader present = reader;
        if (present == null) {
            present = space.openReader();
            reader = present;
        }
        return present;
    }
}
