package sluice.dmacore.buffer;

import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Harm;
import sluice.dmacore.ownership.Lines;

/** Caches as a process has them: it cannot invalidate, and is not asked to. */
public final class WriteBackOnly implements CacheExecutor {
    @Override
    public void writeBack(Lines lines, int first, int end, Harm harm) {
        // nothing is to be seen of it
    }

    @Override
    public boolean invalidates() {
        return false;
    }

    @Override
    public void invalidate(Lines lines, int first, int end, Harm harm) {
        throw new AssertionError("it cannot");
    }
}
