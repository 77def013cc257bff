package sluice.iommu.space;

/** Reasons for refusing a change of the mappings, with their Linux errno. */
public enum Refusal {
    /** An address, a target or a length is not a multiple of the smallest page, or the length is 0. EINVAL. */
    MISALIGNED(22),
    /** Overlaps a mapping. EINVAL. */
    OVERLAP(22),
    /** The request is inconsistent, such as a boundary below the length, or the space is in bypass. EINVAL. */
    UNSUITABLE(22),
    /** Overlaps a reserved range. EINVAL. */
    RESERVED(22),
    /** Exceeds the aperture. ERANGE. */
    OUT_OF_APERTURE(34),
    /** Exceeds the device's address mask. ERANGE. */
    OVER_MASK(34),
    /** A mapping is only partly in the range, and splitting was not requested. ERANGE. */
    SPLIT(34),
    /** No free range is long enough. ENOSPC. */
    NO_ROOM(28),
    /** The limit of mappings is reached. ENOSPC. */
    TOO_MANY(28),
    /** The table would exceed its limit, because mappings are far apart. ENOSPC. */
    TABLE_FULL(28),
    /** The mapping is pinned. EBUSY. */
    PINNED(16),
    /** The mapping was removed already. ENOENT. */
    GONE(2),
    /** A rule made it fail. ENOMEM, unless the rule says another. */
    INJECTED(12);

    private final int errno;

    Refusal(int errno) {
        this.errno = errno;
    }

    /** Linux errno number, positive. */
    public int errno() {
        return errno;
    }
}
