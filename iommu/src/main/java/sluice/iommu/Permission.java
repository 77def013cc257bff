package sluice.iommu;

/**
 * The permission of a mapping: read, write, or both. No permission means no mapping.
 *
 * <p>Write-only is enforced: a read of a write-only mapping faults, although some IOMMUs do not distinguish it.
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

    /**
     * 1 for read, 2 for write, 3 for both: the values of {@code perm} in vhost's IOTLB messages ({@code
     * linux/vhost_types.h}).
     */
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

    /** The permission required by an access. */
    public static Permission of(Access access) {
        return access == Access.READ ? READ_ONLY : WRITE_ONLY;
    }

    public boolean allows(Access access) {
        return (bits & of(access).bits) != 0;
    }

    /** The union of both. */
    public Permission union(Permission other) {
        return BY_BITS[(bits | other.bits) - 1];
    }
}
