package sluice.dmacore.memory;

import sluice.iommu.Access;

/** No IOMMU in front of the device: bus addresses are addresses of the memory table, all of it may be read and written. */
public final class IdentityTranslation implements FrontTranslation {
    private final GuestMemoryView view;
    private final GuestMemory.Addressing addressing;
    private long failedAddress;

    public IdentityTranslation(GuestMemoryView view, GuestMemory.Addressing addressing) {
        this.view = view;
        this.addressing = addressing;
    }

    @Override
    public Outcome resolve(long address, long length, Access access, Runs target) {
        if (view.current().resolve(address, length, addressing, target))
            return Outcome.RESOLVED;
        failedAddress = address;
        return Outcome.FAULT;
    }

    @Override
    public Outcome resolveAll(long[] ranges, Access access, Runs target) {
        int failed = view.current().resolveAll(ranges, addressing, target);
        if (failed < 0) return Outcome.RESOLVED;
        failedAddress = ranges[failed];
        return Outcome.FAULT;
    }

    @Override
    public long failedAddress() {
        return failedAddress;
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
