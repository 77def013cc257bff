package sluice.iommu.space;

/** The rule by which a change of the mappings was refused, and the errno number of Linux that stands for it. */
public enum Refusal {
    /** An address, a target or a length is not a multiple of the smallest page, or the length is 0. EINVAL. */
    MISALIGNED(22),
    /** Something is mapped there already. EINVAL. */
    OVERLAP(22),
    /** The request contradicts itself, as a boundary below the length does, or the space is in bypass. EINVAL. */
    UNSUITABLE(22),
    /** A part of it lies in a reserved range. EINVAL. */
    RESERVED(22),
    /** A part of it lies outside of the aperture. ERANGE. */
    OUT_OF_APERTURE(34),
    /** A part of it lies above the device's address mask. ERANGE. */
    OVER_MASK(34),
    /** A mapping lies only partly in the range, and splitting was not asked for. ERANGE. */
    SPLIT(34),
    /** No free range is long enough. ENOSPC. */
    NO_ROOM(28),
    /** As many mappings as the space may have. ENOSPC. */
    TOO_MANY(28),
    /** The table would grow beyond its limit, because what is mapped lies far apart. ENOSPC. */
    TABLE_FULL(28),
    /** The mapping is pinned. EBUSY. */
    PINNED(16),
    /** The mapping is not there any more. ENOENT. */
    GONE(2),
    /** A rule made it fail. ENOMEM. */
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
