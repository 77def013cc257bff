package sluice.vdev.vfiouser;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;

/**
 * The messages of a client, with checked sizes and numbers of descriptors. The handler of a message owns its
 * descriptors.
 */
sealed interface ClientMessage {
    /** Its descriptors. */
    default List<Fd> files() {
        return List.of();
    }

    /** @param data JSON, without its NUL; empty if there is none */
    record Version(int major, int minor, String data) implements ClientMessage {}

    /** @param flags as they came */
    record DmaMap(int flags, long offset, long address, long size, @Nullable Fd fd) implements ClientMessage {
        @Override
        public List<Fd> files() {
            return fd == null ? List.of() : List.of(fd);
        }
    }

    /** @param argsz for the reply, which repeats the request */
    record DmaUnmap(int argsz, int flags, long address, long size) implements ClientMessage {}

    record GetInfo() implements ClientMessage {}

    record GetRegionInfo(int argsz, int index) implements ClientMessage {}

    record GetRegionIoFds(int argsz, int index) implements ClientMessage {}

    record GetIrqInfo(int index) implements ClientMessage {}

    /**
     * @param flags as they came
     * @param choice bytes of DATA_BOOL; else empty
     */
    record SetIrqs(int flags, int index, long start, long count, byte[] choice, List<Fd> fds)
            implements
                ClientMessage {
        @Override
        public List<Fd> files() {
            return fds;
        }
    }

    record RegionRead(long offset, int region, int count) implements ClientMessage {}

    record RegionWrite(long offset, int region, byte[] bytes) implements ClientMessage {}

    record WriteMulti(List<RegionWrite> writes) implements ClientMessage {}

    record Reset() implements ClientMessage {}

    /**
     * An answer to DMA_READ or DMA_WRITE.
     *
     * @param bytes the data after the header
     */
    record DmaAnswer(int error, byte[] bytes) implements ClientMessage {}

    /** An unsupported command. */
    record Unknown() implements ClientMessage {}

    /**
     * A command with an invalid body.
     *
     * @param reason a sentence
     */
    record Malformed(String reason) implements ClientMessage {}
}
