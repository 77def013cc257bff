package sluice.iommu.fault;

/** Why an access was refused. */
public enum FaultReason {
    /** Not mapped, and no former mapping is remembered. */
    NOT_MAPPED("nothing is mapped there"),
    /** Read of a write-only mapping. */
    PERM_READ("the mapping may not be read"),
    /** Write to a read-only mapping. */
    PERM_WRITE("the mapping may not be written"),
    /** Access to a former mapping. */
    AFTER_UNMAP("the mapping that was there was removed"),
    /** Outside the aperture of the space. */
    OUT_OF_APERTURE("outside of the aperture"),
    /** Above the device's address mask. */
    OVER_MASK("above the device's address mask"),
    /** In a reserved range, such as that of message-signalled interrupts. */
    RESERVED("in a reserved range"),
    /** The page is poisoned, by a rule or by the owner of the memory. */
    POISONED("the page is poisoned"),
    /** The exporter has revoked the memory; the address still belongs to the mapping. */
    REVOKED("the mapping was revoked"),
    /** One run was required, but the pages are not contiguous. */
    NOT_CONTIGUOUS("the pages are not contiguous"),
    /** The front-end refused an IOTLB miss. */
    FRONT_MISS_REFUSED("the front-end refused the translation"),
    /** A read section, a pin or a stalled access exceeded its bound. */
    TIMEOUT("timed out"),
    /** Denied by an injection rule. */
    DENIED("denied by a rule");

    private final String words;

    FaultReason(String words) {
        this.words = words;
    }

    /** The reason, for messages. */
    public String words() {
        return words;
    }
}
