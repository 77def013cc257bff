package sluice.vdev.vfiouser;

import sluice.vdev.io.Backlog;

/** The cost of a command in the backlog of its client. */
final class CommandLoad {
    /** Limit of commands: QEMU posts the maps of one transaction without waiting, at most 1024. */
    static final Backlog.Limits LIMITS = new Backlog.Limits(4096, 8 << 20, 1024);

    /** Heap bytes of one write of a list, with its 8 bytes of data. */
    private static final int LISTED_WRITE_BYTES = 64;

    private CommandLoad() {}

    static int bytes(ClientMessage message) {
        return switch (message) {
            case ClientMessage.RegionWrite write -> write.bytes().length;
            case ClientMessage.WriteMulti multi -> multi.writes().size() * LISTED_WRITE_BYTES;
            case ClientMessage.RegionRead read -> read.count();
            case ClientMessage.SetIrqs set -> set.choice().length;
            default -> 0;
        };
    }

    /** The descriptors that it keeps. That of a DMA_MAP is closed early. */
    static int fds(ClientMessage message) {
        return switch (message) {
            case ClientMessage.SetIrqs set -> set.fds().size();
            // The reply for a memory region contains its file.
            case ClientMessage.GetRegionInfo _ -> 1;
            default -> 0;
        };
    }
}
