package sluice.dmacore.model;

/** When a line that the CPU has written goes to memory although nobody asked for it, as caches do. */
public sealed interface Eviction {
    /** Never: what is not written back is not there. Each mistake shows. */
    record Lazy() implements Eviction {}

    /** Just before a device looks: a mistake shows only where a line must not be written back. */
    record Eager() implements Eviction {}

    /**
     * Some lines, as chance has it.
     *
     * @param seed of the chance
     * @param oneIn how many lines there are to one that is written back
     */
    record Seeded(long seed, int oneIn) implements Eviction {
        public Seeded {
            if (oneIn < 1) throw new IllegalArgumentException("one line in " + oneIn);
        }
    }
}
