package sluice.iommu.allocation;

import java.util.ArrayDeque;
import java.util.Iterator;

import org.jspecify.annotations.Nullable;

import sluice.iommu.fault.Neighbour;

/** The last mappings that were removed, a bounded number: whose an address was. */
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

    /** What was mapped at {@code iova} last, or null if that is not remembered. */
    @Nullable
    Neighbour at(long iova) {
        for (Iterator<Neighbour> each = newestFirst.iterator(); each.hasNext();) {
            Neighbour former = each.next();
            if (former.range().contains(iova)) return former;
        }
        return null;
    }
}
