package sluice.dmacore.device;

/**
 * A kind of memory access of a function: a GPU may snoop for its command stream but not for its scan-out.
 *
 * @param name such as "scan-out"
 * @param coherent whether it snoops the CPU's caches
 * @param coherentWrites whether what it only writes, such as answers to commands, snoops, whatever its reads do
 */
public record Stream(String name, boolean coherent, boolean coherentWrites) {
    /** A stream that snoops. */
    public static final Stream COHERENT = new Stream("coherent", true);
    /** A stream that does not. */
    public static final Stream NON_COHERENT = new Stream("non-coherent", false);
    /** A stream whose reads do not, such as a scan-out. */
    public static final Stream NON_COHERENT_READS = new Stream("non-coherent reads", false, true);

    /** A stream that does the same for reads and writes. */
    public Stream(String name, boolean coherent) {
        this(name, coherent, coherent);
    }
}
