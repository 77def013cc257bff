package sluice.vdev.vfiouser;

import sluice.vdev.io.Backlog;

/** What a command counts for in the backlog of its client. */
final class CommandLoad {
    /** Commands: QEMU posts the maps of one transaction without waiting, at most 1024. */
    static final Backlog.Limits LIMITS = new Backlog.Limits(4096, 8 << 20, 1024);

    /** A write of a list with its 8 bytes, as it is kept. */
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

    /** The descriptors that it keeps. That of a DMA_MAP is closed soon. */
    static int fds(ClientMessage message) {
        return switch (message) {
            case ClientMessage.SetIrqs set -> set.fds().size();
            // A region that is memory is answered with its file.
            case ClientMessage.GetRegionInfo _ -> 1;
            default -> 0;
        };
    }
}
