package sluice.vdev.vhostuser;

import sluice.vdev.host.SharedMemory;

/**
 * Protocol features of vhost-user that we offer. QEMU acknowledges every bit it knows by number whether it implements it
 * or not, so what is offered here is what we really do.
 */
final class ProtocolFeature {
    static final long MQ = 1L << 0;
    static final long REPLY_ACK = 1L << 3;
    static final long BACKEND_REQ = 1L << 5;
    static final long CONFIG = 1L << 9;
    static final long BACKEND_SEND_FD = 1L << 10;
    static final long RESET_DEVICE = 1L << 13;
    static final long CONFIGURE_MEM_SLOTS = 1L << 15;
    /** New after QEMU 10.0: the user addresses of regions and rings are guest addresses. */
    static final long GPA_ADDRESSES = 1L << 21;

    /** New after QEMU 10.0: shared memory regions. Bit 21 in some older code, which is GPA_ADDRESSES to QEMU. */
    static final long SHMEM = 1L << 22;

    private static final long OF_EVERY_DEVICE = MQ | REPLY_ACK | BACKEND_REQ | CONFIG | BACKEND_SEND_FD | RESET_DEVICE
            | GPA_ADDRESSES;

    private ProtocolFeature() {}

    /**
     * What is offered for a device with these shared memory regions: memory slots, or shared memory, but not both. QEMU 11.1 keeps a
     * table of the slots it has sent, and when a device starts it looks for the memory behind each that is gone. A part of a region
     * that it took away while the device was stopped, which is what it does with all of them at a reset, has none, and QEMU dies of
     * that. Without slots it keeps no table.
     */
    static long offered(SharedMemory shared) {
        return OF_EVERY_DEVICE | (shared.regions().isEmpty() ? CONFIGURE_MEM_SLOTS : SHMEM);
    }
}
