package sluice.dmacore.model;

/** When the modelled cache writes a CPU-dirty line back by itself. */
public sealed interface Eviction {
    /** Never: memory has only explicitly written-back lines, so each missing write-back shows. */
    record Lazy() implements Eviction {}

    /** Just before each device access: only errors show in which a line must not be written back. */
    record Eager() implements Eviction {}

    /**
     * Random lines.
     *
     * @param seed of the random choice
     * @param oneIn one in this many dirty lines is written back
     */
    record Seeded(long seed, int oneIn) implements Eviction {
        public Seeded {
            if (oneIn < 1) throw new IllegalArgumentException("one line in " + oneIn);
        }
    }
}
