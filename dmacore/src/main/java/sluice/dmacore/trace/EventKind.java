package sluice.dmacore.trace;

/**
 * Kinds of events. Recordings contain ordinals: new kinds must be appended, none removed.
 *
 * <p>Of the fields of {@link TraceSink#record}, {@code from} and {@code length} are bytes of the buffer, {@code detail} is a
 * DMA direction (0 bidirectional, 1 to the device, 2 from the device, as in the kernel's {@code enum dma_data_direction})
 * unless the kind says otherwise, and unused fields are 0.
 */
public enum EventKind {
    /** A buffer was created; {@code length} is its size. */
    EXPORT,
    /** A buffer was freed. */
    RELEASE,
    /** A buffer got its memory; {@code bytes} of it. */
    ALLOCATE,
    /** A device function attached. */
    ATTACH,
    DETACH,
    /** An attachment fetched its segments; {@code detail} is 1 if the list existed already. */
    GET_SEGMENTS,
    PUT_SEGMENTS,
    /** An attachment was mapped for its device: a transfer to the device. {@code nanos} is its duration. */
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
    /** An operation was requested and skipped: {@code bytes} of lines; {@code detail} is 0 write-back, 1 invalidate. */
    SKIP,
    /** Bytes were copied through a bounce buffer. */
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
     * An IOTLB miss; {@code from} is the bus address, {@code nanos} the time since the previous answer, and {@code
     * detail} 1 if it was refused.
     */
    MISS,
    /** A device copied bytes as required by its protocol (a TRANSFER, an UPDATE): {@code bytes} in {@code nanos}. */
    COPY,
    /** A device has shown or delivered a frame; {@code from} is its number. The events before belong to it. */
    FRAME,
    /** A rule was broken; {@code detail} is its number. */
    FINDING,
    /**
     * Addresses of {@code bytes} were translated in {@code nanos}; {@code from} is in the buffer, or on the bus if there is none.
     */
    TRANSLATE,
    /**
     * A device has done a request of a queue. {@code attachment} is the queue's number, {@code nanos} the time since the device took the
     * request, {@code from} the nanoseconds that it had waited before, as far as the device could see, {@code length} the number of
     * requests that were available then, itself included (0 for unknown), {@code bytes} the number of the request in its queue, from 1 for
     * the first after the driver has set it up (0 for unknown), and {@code detail} the number of the request's name, or 0.
     */
    COMMAND,
    /**
     * Done requests were returned to the driver: {@code length} of them in {@code nanos}. {@code attachment} is the queue's number,
     * {@code from} the nanoseconds of the interrupt, which comes last, and {@code detail} 1 if there was one.
     */
    ANSWER,
    /** A display got pixels, and {@code nanos} later had accepted all; {@code from} is the number of the resource. */
    DISPLAY,
    /**
     * A device has done {@code length} requests of a queue in a row, too fast to tell each. {@code attachment} is the queue's number, {@code
     * nanos} the time since the device took the first, {@code from} the nanoseconds that it had waited before, and {@code detail} the number
     * of the name of all, or 0.
     */
    BATCH,
    /**
     * A guest's kernel has told of a DMA call, which has waited until it was carried out in {@code nanos}. {@code from} is the first DMA
     * address, {@code length} the bytes of all, {@code bytes} the time of the guest's own clock in nanoseconds when it told, {@code
     * attachment} the witness, and {@code detail} the number of the call's name, or 0.
     */
    CALL
}
