package sluice.vdev.vhostuser;

import sluice.vdev.host.SharedMemory;

/**
 * The offered protocol features of vhost-user. QEMU acknowledges every bit that it knows, implemented or not, so only
 * implemented features are offered.
 */
final class ProtocolFeature {
    static final long MQ = 1L << 0;
    static final long REPLY_ACK = 1L << 3;
    static final long BACKEND_REQ = 1L << 5;
    static final long CONFIG = 1L << 9;
    static final long BACKEND_SEND_FD = 1L << 10;
    static final long RESET_DEVICE = 1L << 13;
    static final long CONFIGURE_MEM_SLOTS = 1L << 15;
    /** Newer than QEMU 10.0: the user addresses of regions and rings are guest addresses. */
    static final long GPA_ADDRESSES = 1L << 21;

    /** Newer than QEMU 10.0: shared memory regions. Bit 21 in some older code, which is GPA_ADDRESSES to QEMU. */
    static final long SHMEM = 1L << 22;

    private static final long OF_EVERY_DEVICE = MQ | REPLY_ACK | BACKEND_REQ | CONFIG | BACKEND_SEND_FD | RESET_DEVICE
            | GPA_ADDRESSES;

    private ProtocolFeature() {}

    /**
     * The features offered for a device with these shared memory regions: memory slots or shared memory, not both. QEMU
     * 11.1 keeps a table of the slots that it has sent, and at the start of a device looks up the memory of each
     * removed slot. A part of a shared memory region that was unmapped while the device was stopped, as at every reset,
     * has none, and QEMU dereferences a null pointer. Without slots it keeps no table.
     */
    static long offered(SharedMemory shared) {
        return OF_EVERY_DEVICE | (shared.regions().isEmpty() ? CONFIGURE_MEM_SLOTS : SHMEM);
    }
}
