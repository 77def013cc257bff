package sluice.iommu;

/**
 * What a mapping allows: reading, writing, or both. There is no mapping that allows nothing; that is no mapping.
 *
 * <p>Write-only is write-only: a device that reads what it may only write faults here, although some IOMMUs cannot tell
 * the two apart.
 */
public enum Permission {
    READ_ONLY(1),
    WRITE_ONLY(2),
    READ_WRITE(3);

    private static final Permission[] BY_BITS = { READ_ONLY, WRITE_ONLY, READ_WRITE };

    private final int bits;

    Permission(int bits) {
        this.bits = bits;
    }

    /** 1 for reading, 2 for writing, 3 for both: the numbers of the {@code perm} field of vhost's IOTLB messages. */
    public int bits() {
        return bits;
    }

    /**
     * The permission of {@link #bits}.
     *
     * @throws IllegalArgumentException unless {@code bits} is 1, 2 or 3
     */
    public static Permission of(int bits) {
        if (bits < 1 || bits > 3)
            throw new IllegalArgumentException("permission " + bits + " is none of 1 (read), 2 (write), 3 (both)");
        return BY_BITS[bits - 1];
    }

    /** The permission that one access needs. */
    public static Permission of(Access access) {
        return access == Access.READ ? READ_ONLY : WRITE_ONLY;
    }

    public boolean allows(Access access) {
        return (bits & of(access).bits) != 0;
    }

    /** Allows what either allows. */
    public Permission union(Permission other) {
        return BY_BITS[(bits | other.bits) - 1];
    }
}
