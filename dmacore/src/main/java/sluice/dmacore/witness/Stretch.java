package sluice.dmacore.witness;

import org.jspecify.annotations.Nullable;

/** An entry of a list that a kernel has mapped: so many bytes at a DMA address. */
final class Stretch {
    private final KernelMapping owner;
    private final long address;
    private final long length;
    private final long from;
    /** Another one at the same address, mapped before: a page may be mapped several times. */
    @Nullable
    Stretch below;

    /** @param from where it begins in what was mapped */
    Stretch(KernelMapping owner, long address, long length, long from) {
        this.owner = owner;
        this.address = address;
        this.length = length;
        this.from = from;
    }

    KernelMapping owner() {
        return owner;
    }

    long address() {
        return address;
    }

    /** The address behind it. */
    long end() {
        return address + length;
    }

    /** Where an address in it is in what was mapped. */
    long position(long at) {
        return from + at - address;
    }
}
