package sluice.dmacore.witness;

import org.jspecify.annotations.Nullable;

/** An entry of a list mapped by a kernel: a DMA address and a length. */
final class Stretch {
    private final KernelMapping owner;
    private final long address;
    private final long length;
    private final long from;
    /** An earlier mapping at the same address: a page may be mapped several times. */
    @Nullable
    Stretch below;

    /** @param from offset in the mapping */
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

    /** The address after its end. */
    long end() {
        return address + length;
    }

    /** The offset of an address in the mapping. */
    long position(long at) {
        return from + at - address;
    }
}
