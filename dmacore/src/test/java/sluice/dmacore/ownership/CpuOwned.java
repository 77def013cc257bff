package sluice.dmacore.ownership;

/** Who owns lines, for tests that look at the ledger and at no device. */
final class CpuOwned {
    private CpuOwned() {}

    /** Whether no device owns any of a range of bytes. */
    static boolean all(Lines lines, long from, long length) {
        Walk walk = lines.walk();
        walk.begin(lines.lineAt(from), lines.lineAt(from + length - 1) + 1);
        while (walk.nextRegion(false)) {
            for (int i = walk.interval(); i < walk.end(); i++) {
                if (!walk.region().isCpuOwned(i)) return false;
            }
        }
        return true;
    }
}
