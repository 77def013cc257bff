package sluice.guest.check;

/** The outcome of a cell. */
enum Outcome {
    /** User space got the right bytes, without findings. */
    PASS,
    /** Wrong bytes, or a finding. */
    FAIL,
    /** Not possible here; see the reason. */
    SKIP,
    /** Run, but reports were lost: neither pass nor fail. */
    INCONCLUSIVE
}
