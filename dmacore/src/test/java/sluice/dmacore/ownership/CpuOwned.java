package sluice.dmacore.ownership;

/** Who owns lines, for tests that look at the ledger and at no device. */
final class CpuOwned {
    private CpuOwned() {}

    /** Whether no device owns any of a range of bytes. */
    static boolean all(Lines lines, long from, long length) {
        Walk walk = lines.walk().look(lines.lineAt(from), lines.lineAt(from + length - 1) + 1);
        while (walk.next()) {
            if (!walk.region().isCpuOwned(walk.interval())) return false;
        }
        return true;
    }
}
