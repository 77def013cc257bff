package sluice.dmacore.device;

/**
 * A kind of memory access of a function: a GPU may snoop for its command stream but not for its scan-out.
 *
 * @param name such as "scan-out"
 * @param coherent whether it snoops the CPU's caches
 */
public record Stream(String name, boolean coherent) {
    /** A stream that snoops. */
    public static final Stream COHERENT = new Stream("coherent", true);
    /** A stream that does not. */
    public static final Stream NON_COHERENT = new Stream("non-coherent", false);
}
