package sluice.iommu.space;

import sluice.iommu.AddressRange;
import sluice.iommu.table.Entry;

/** Tracks pages written by a device. While it is on, the first write to each page takes the slow path. */
final class DirtyTracking {
    private final SpaceState state;
    private boolean on;

    DirtyTracking(SpaceState state) {
        this.state = state;
    }

    /** Additional bits of a new entry; the lock is held. */
    long flags() {
        return on ? Entry.TRACKED : 0;
    }

    /** Turns it on with all pages clean, or off; the lock is held. */
    void set(boolean wanted) {
        on = wanted;
        for (Mapping mapping : state.index.all()) {
            if (mapping.state() != Mapping.State.LIVE) continue;
            AddressRange range = mapping.range();
            state.table.change(range.first(), range.last(), Entry.TRACKED | Entry.DIRTY, flags());
        }
    }

    /** The dirty pages in a range; the lock is held. */
    DirtyPages read(AddressRange wanted, boolean clear) {
        DirtyPages.Collector collector = new DirtyPages.Collector();
        for (Mapping mapping : state.index.allOverlapping(wanted)) {
            if (mapping.state() != Mapping.State.LIVE) continue;
            AddressRange part = mapping.range().intersection(wanted);
            state.table.dirty(part.first(), part.last(), clear, collector::add);
        }
        return collector.end();
    }

    /** Marks the writable pages in a range, if it is on; the lock is held. */
    void mark(AddressRange wanted) {
        if (!on) return;
        for (Mapping mapping : state.index.allOverlapping(wanted)) {
            if (mapping.state() != Mapping.State.LIVE) continue;
            AddressRange part = mapping.range().intersection(wanted);
            state.table.change(part.first(), part.last(), 0, Entry.DIRTY);
        }
    }
}
