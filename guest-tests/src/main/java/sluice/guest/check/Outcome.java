package sluice.guest.check;

/** What became of a cell. */
enum Outcome {
    /** User space got the bytes that it was due, and nothing was found. */
    PASS,
    /** Wrong bytes, or a finding. */
    FAIL,
    /** It cannot be run here; the reason says why. */
    SKIP,
    /** It was run, and something that it was to see was lost: neither right nor wrong. */
    INCONCLUSIVE
}
