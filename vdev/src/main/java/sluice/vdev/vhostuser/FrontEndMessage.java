package sluice.vdev.vhostuser;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;

/** The supported messages of a front-end, with checked form. The handler of a message owns its descriptors. */
sealed interface FrontEndMessage {
    /** Its descriptors, for a caller that does not handle the message and must close them. */
    default List<Fd> files() {
        return List.of();
    }

    /** Whether it is answered at once, without the device's loop. */
    default boolean isImmediate() {
        return false;
    }

    record GetFeatures() implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    record SetFeatures(long features) implements FrontEndMessage {}

    record SetOwner() implements FrontEndMessage {}

    record ResetOwner() implements FrontEndMessage {}

    record GetProtocolFeatures() implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    record SetProtocolFeatures(long features) implements FrontEndMessage {}

    record GetQueueNum() implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    record GetMaxMemSlots() implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    /** GET_SHMEM_CONFIG: ids and sizes of the shared memory regions. */
    record GetSharedMemory() implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    /** A memory region of the wire format; all values in bytes. */
    record Region(long guestAddress, long size, long userAddress, long fileOffset) {}

    /** {@code fds} has one descriptor for each of {@code regions}, in the same order. */
    record SetMemTable(List<Region> regions, List<Fd> fds) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return fds;
        }
    }

    record AddMemReg(Region region, Fd fd) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return List.of(fd);
        }
    }

    record RemMemReg(Region region) implements FrontEndMessage {}

    record SetVringNum(int index, int size) implements FrontEndMessage {}

    record SetVringAddr(int index, long descriptors, long used, long available) implements FrontEndMessage {}

    record SetVringBase(int index, int position) implements FrontEndMessage {}

    record GetVringBase(int index) implements FrontEndMessage {}

    record SetVringKick(int index, @Nullable Fd fd) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return fd == null ? List.of() : List.of(fd);
        }
    }

    record SetVringCall(int index, @Nullable Fd fd) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return fd == null ? List.of() : List.of(fd);
        }
    }

    record SetVringErr(int index, @Nullable Fd fd) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return fd == null ? List.of() : List.of(fd);
        }
    }

    record SetVringEnable(int index, boolean enabled) implements FrontEndMessage {}

    record SetBackendReqFd(Fd fd) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return List.of(fd);
        }
    }

    /**
     * Maps a range of bus addresses to an address of the memory table. Front-ends do not report {@code granted}
     * reliably.
     */
    record IotlbUpdate(long address, long size, long target, Permission granted) implements FrontEndMessage {
        boolean includes(long page) {
            return Long.compareUnsigned(page - address, size) < 0;
        }
    }

    /** Unmaps a range of bus addresses, given by its first and last byte. */
    record IotlbInvalidate(AddressRange range) implements FrontEndMessage {}

    record GetConfig(int offset, int size, int flags) implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    record SetConfig(int offset, byte[] value, int flags) implements FrontEndMessage {}

    record GpuSetSocket(Fd fd) implements FrontEndMessage {
        @Override
        public List<Fd> files() {
            return List.of(fd);
        }
    }

    record ResetDevice() implements FrontEndMessage {}

    /** An unsupported request. */
    record Unknown(int request) implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }
}
