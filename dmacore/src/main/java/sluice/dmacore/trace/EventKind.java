package sluice.dmacore.trace;

/**
 * What an event tells. The numbers of recordings are the ordinals: new kinds are appended, none is ever removed.
 *
 * <p>Of the fields of {@link TraceSink#record}, {@code from} and {@code length} are bytes of the buffer, {@code detail} is a
 * DMA direction (0 bidirectional, 1 to the device, 2 from the device, as in the kernel's {@code enum dma_data_direction})
 * unless the kind says otherwise, and what a kind has no use for is 0.
 */
public enum EventKind {
    /** A buffer was made; {@code length} is its size. */
    EXPORT,
    /** A buffer is gone. */
    RELEASE,
    /** A buffer got its memory; {@code bytes} of it. */
    ALLOCATE,
    /** A device function attached. */
    ATTACH,
    DETACH,
    /** An attachment took hold of the memory; {@code detail} is 1 if the list was there already. */
    GET_SEGMENTS,
    PUT_SEGMENTS,
    /** An attachment was mapped for its device: a transfer to the device. {@code nanos} is what it took. */
    MAP,
    /** A mapping ended: a transfer to the CPU. */
    UNMAP,
    /** A transfer to the device. */
    SYNC_FOR_DEVICE,
    /** A transfer to the CPU. */
    SYNC_FOR_CPU,
    /** The CPU begins an access. */
    BEGIN_CPU_ACCESS,
    END_CPU_ACCESS,
    /** Cache lines were written back: {@code bytes} of them in {@code nanos}. */
    WRITE_BACK,
    /** Cache lines were invalidated: {@code bytes} of them in {@code nanos}. */
    INVALIDATE,
    /** An operation was asked for and not needed: {@code bytes} of lines; {@code detail} is 0 write-back, 1 invalidate. */
    SKIP,
    /** Bytes went through a bounce buffer, because that was allowed. */
    BOUNCE,
    /** A buffer moved; {@code bytes} were copied. */
    MOVE,
    /** A buffer was revoked. */
    REVOKE,
    PIN,
    UNPIN,
    /** A device's access did not translate; {@code from} is the device address. */
    FAULT,
    /**
     * A page's bus address had to be asked for; {@code from} is the address, {@code nanos} how long it was waited for, after the
     * answer before it, and {@code detail} 1 if the answer was no.
     */
    MISS,
    /** A device copied bytes as its protocol says (a TRANSFER, an UPDATE): {@code bytes} in {@code nanos}. */
    COPY,
    /** A device has shown or delivered a frame; {@code from} is its number. What came before belongs to it. */
    FRAME,
    /** A rule was broken; {@code detail} is its number. */
    FINDING,
    /**
     * Addresses of {@code bytes} were translated in {@code nanos}; {@code from} is in the buffer, or on the bus if there is none.
     */
    TRANSLATE
}
