package sluice.iommu.allocation;

import java.util.ArrayDeque;
import java.util.Iterator;

import org.jspecify.annotations.Nullable;

import sluice.iommu.fault.Neighbour;

/** A bounded number of recently removed mappings, by address. */
final class FormerMappings {
    private final int capacity;
    private final ArrayDeque<Neighbour> newestFirst = new ArrayDeque<>();

    FormerMappings(int capacity) {
        this.capacity = capacity;
    }

    void add(Neighbour former) {
        if (newestFirst.size() == capacity) newestFirst.removeLast();
        newestFirst.addFirst(former);
    }

    /** The latest former mapping of {@code iova}, or null if none is remembered. */
    @Nullable
    Neighbour at(long iova) {
        for (Iterator<Neighbour> each = newestFirst.iterator(); each.hasNext();) {
            Neighbour former = each.next();
            if (former.range().contains(iova)) return former;
        }
        return null;
    }
}
