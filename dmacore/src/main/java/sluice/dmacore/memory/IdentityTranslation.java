package sluice.dmacore.memory;

import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

/**
 * The translation without an IOMMU: bus addresses are addresses of the memory table, all of it readable and writable.
 */
public final class IdentityTranslation implements FrontTranslation {
    private final GuestMemoryView view;
    private final GuestMemory.Addressing addressing;

    public IdentityTranslation(GuestMemoryView view, GuestMemory.Addressing addressing) {
        this.view = view;
        this.addressing = addressing;
    }

    @Override
    public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
        return view.current().resolve(address, length, addressing, target)
                ? result.resolved()
                : result.faulted(address, access);
    }

    @Override
    public Outcome resolveAll(BusList list, Access access, Runs target, Result result) {
        int failed = view.current().resolveAll(list, addressing, target);
        return failed < 0 ? result.resolved() : result.faulted(list.address(failed), access);
    }

    @Override
    public long generation() {
        return view.current().number();
    }

    @Override
    public GuestMemory memory() {
        return view.current();
    }
}
