package sluice.iommu.fault;

/** Why an access was refused. */
public enum FaultReason {
    /** Nothing is mapped there, and nothing was that we remember. */
    NOT_MAPPED("nothing is mapped there"),
    /** A mapping is there that may only be written. */
    PERM_READ("the mapping may not be read"),
    /** A mapping is there that may only be read. */
    PERM_WRITE("the mapping may not be written"),
    /** A mapping was there, and it was removed. */
    AFTER_UNMAP("the mapping that was there was removed"),
    /** The address is outside of what the device was given. */
    OUT_OF_APERTURE("outside of the aperture"),
    /** The device cannot form such an address. */
    OVER_MASK("above the device's address mask"),
    /** The range is kept for something else, such as message-signalled interrupts. */
    RESERVED("in a reserved range"),
    /** The page was poisoned, by a rule or by whoever owns the memory. */
    POISONED("the page is poisoned"),
    /** The exporter took the memory back; the address is still kept for the mapping. */
    REVOKED("the mapping was revoked"),
    /** One run was needed, and the pages are not neighbours. */
    NOT_CONTIGUOUS("the pages are not contiguous"),
    /** A cache asked the front-end, and the front-end knows no such mapping. */
    FRONT_MISS_REFUSED("the front-end refused the translation"),
    /** A reader or a holder did not let go in time, or a stalled access was not answered in time. */
    TIMEOUT("timed out"),
    /** A rule of a test denied it. */
    DENIED("denied by a rule");

    private final String words;

    FaultReason(String words) {
        this.words = words;
    }

    /** The reason in a few words. */
    public String words() {
        return words;
    }
}
