package sluice.vdev.vhostuser;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;

/** The messages of a front-end that we understand, checked in form. Descriptors belong to whoever handles the message. */
sealed interface FrontEndMessage {
    /** The descriptors it brought, for whoever does not handle it and must close them. */
    default List<Fd> files() {
        return List.of();
    }

    /** Whether it is answered at once, and leaves the device's loop alone. */
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

    /** GET_SHMEM_CONFIG: how large which shared memory regions are. */
    record GetSharedMemory() implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }

    /** A region as it is named on the wire; all in bytes. */
    record Region(long guestAddress, long size, long userAddress, long fileOffset) {}

    /** {@code fds} are as many as {@code regions}, in their order. */
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

    /** A range of bus addresses leads to an address of the memory table; what it may be used for is not said reliably. */
    record IotlbUpdate(long address, long size, long target, Permission granted) implements FrontEndMessage {
        boolean includes(long page) {
            return Long.compareUnsigned(page - address, size) < 0;
        }
    }

    /** A range of bus addresses, given by its first and last byte, leads nowhere any more. */
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

    /** A request number we do not offer. */
    record Unknown(int request) implements FrontEndMessage {
        @Override
        public boolean isImmediate() {
            return true;
        }
    }
}
