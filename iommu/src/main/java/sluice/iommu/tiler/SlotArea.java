package sluice.iommu.tiler;

import java.util.BitSet;

import static sluice.iommu.tiler.TiledAperture.SLOTS_HIGH;
import static sluice.iommu.tiler.TiledAperture.SLOTS_WIDE;

/** The used slots of the container. Guarded by the aperture. */
final class SlotArea {
    private final BitSet taken = new BitSet(SLOTS_WIDE * SLOTS_HIGH);

    /** Allocates the topmost and leftmost free rectangle; returns its first slot, or −1 if there is none. */
    int take(int wide, int high) {
        for (int y = 0; y + high <= SLOTS_HIGH; y++) {
            int x = 0;
            while (x + wide <= SLOTS_WIDE) {
                int obstacle = lastTaken(x, y, wide, high);
                if (obstacle < 0) {
                    set(y * SLOTS_WIDE + x, wide, high, true);
                    return y * SLOTS_WIDE + x;
                }
                x = obstacle + 1;
            }
        }
        return -1;
    }

    /** Column of the rightmost taken slot in a rectangle, or −1. */
    private int lastTaken(int x, int y, int wide, int high) {
        int last = -1;
        for (int row = y; row < y + high; row++) {
            int slot = taken.previousSetBit(row * SLOTS_WIDE + x + wide - 1);
            if (slot >= row * SLOTS_WIDE + x) last = Math.max(last, slot - row * SLOTS_WIDE);
        }
        return last;
    }

    void giveBack(int first, int wide, int high) {
        set(first, wide, high, false);
    }

    private void set(int first, int wide, int high, boolean value) {
        for (int row = 0; row < high; row++) {
            int begin = first + row * SLOTS_WIDE;
            taken.set(begin, begin + wide, value);
        }
    }

    int count() {
        return taken.cardinality();
    }
}
