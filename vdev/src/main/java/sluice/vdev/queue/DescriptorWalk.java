package sluice.vdev.queue;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;

/**
 * Walks one descriptor chain of a split queue: each descriptor is read once, checked, and its buffer resolved
 * (virtio 1.3 §2.7.5). What the driver changes afterwards is not seen.
 */
final class DescriptorWalk {
    /** The most buffers in one chain, indirect ones included; QEMU's own devices draw the same line. */
    static final int MAX_BUFFERS = 1024;
    /** The most bytes in one chain (§2.7.5: a driver must not add more). */
    private static final long MAX_BYTES = 1L << 32;

    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int INDIRECT = 4;
    private static final int DESCRIPTOR_BYTES = 16;

    private final FrontTranslation buffers;
    private final RingFeatures features;
    private final int queueSize;
    private final RingMemory indirectTable = new RingMemory();

    private long[] addresses = new long[16];
    private int[] lengths = new int[16];
    private int count;
    /** How many of the buffers are for the device to read; the rest is for it to write. */
    private int readableCount;
    private long bytes;

    DescriptorWalk(FrontTranslation buffers, RingFeatures features, int queueSize) {
        this.buffers = buffers;
        this.features = features;
        this.queueSize = queueSize;
    }

    /**
     * Fills {@code chain} from the descriptor at {@code head}.
     *
     * @return null if all went well, otherwise why not
     */
    @Nullable
    Polled walk(RingMemory table, int head, Chain chain) {
        count = 0;
        readableCount = 0;
        bytes = 0;
        Polled failure = snapshot(table, queueSize, head, true);
        return failure != null ? failure : resolve(chain);
    }

    /** Reads the descriptors of one table from {@code first} on. */
    private @Nullable Polled snapshot(RingMemory table, int tableSize, int first, boolean direct) {
        int index = first;
        for (int seen = 1;; seen++) {
            if (seen > tableSize) {
                return broken(
                        "descriptor chain at %d is longer than its table of %d: it loops".formatted(first, tableSize));
            }
            long at = (long) index * DESCRIPTOR_BYTES;
            long address = table.u64(at);
            int length = table.u32(at + 8);
            int flags = table.u16(at + 12);
            int next = table.u16(at + 14);
            if ((flags & INDIRECT) != 0)
                return direct ? indirect(address, length, flags) : nested(first);
            Polled failure = append(address, length, (flags & WRITE) != 0);
            if (failure != null)
                return failure;
            if ((flags & NEXT) == 0)
                return null;
            if (next >= tableSize) {
                return broken(
                        "descriptor %d points to descriptor %d of a table of %d".formatted(index, next, tableSize));
            }
            index = next;
        }
    }

    private @Nullable Polled indirect(long address, int length, int flags) {
        if (!features.indirect())
            return broken("indirect descriptor, but VIRTIO_F_INDIRECT_DESC was not negotiated");
        if ((flags & NEXT) != 0)
            return broken("indirect descriptor with flag NEXT (virtio 1.3 §2.7.5.3.1)");
        if (length <= 0 || length % DESCRIPTOR_BYTES != 0 || length > MAX_BUFFERS * DESCRIPTOR_BYTES) {
            return broken("indirect table of %d bytes; it must hold 1 to %d descriptors of 16 bytes"
                    .formatted(Integer.toUnsignedLong(length), MAX_BUFFERS));
        }
        return switch (indirectTable.resolve(buffers, address, length, Access.READ)) {
            case RESOLVED -> snapshot(indirectTable, length / DESCRIPTOR_BYTES, 0, false);
            case MISS -> new Polled.Stalled(buffers.failedAddress(), Access.READ);
            case FAULT -> broken("indirect table at 0x%x, %d bytes, is not guest memory".formatted(address, length));
        };
    }

    private static Polled nested(int head) {
        return broken("indirect table of chain %d holds another indirect descriptor".formatted(head));
    }

    private @Nullable Polled append(long address, int length, boolean write) {
        if (count == MAX_BUFFERS)
            return broken("descriptor chain of more than %d buffers".formatted(MAX_BUFFERS));
        if (!write && readableCount != count) {
            return broken("device-readable buffer after a device-writable one (virtio 1.3 §2.7.4.2)");
        }
        bytes += Integer.toUnsignedLong(length);
        if (bytes > MAX_BYTES)
            return broken("descriptor chain of more than 2^32 bytes");
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, count * 2);
            lengths = Arrays.copyOf(lengths, count * 2);
        }
        addresses[count] = address;
        lengths[count] = length;
        count++;
        if (!write)
            readableCount++;
        return null;
    }

    private @Nullable Polled resolve(Chain chain) {
        chain.clear();
        for (int i = 0; i < count; i++) {
            Access access = i < readableCount ? Access.READ : Access.WRITE;
            Runs target = i < readableCount ? chain.readable() : chain.writable();
            long length = Integer.toUnsignedLong(lengths[i]);
            if (length == 0)
                continue;
            switch (buffers.resolve(addresses[i], length, access, target)) {
                case RESOLVED -> {
                }
                case MISS -> {
                    return new Polled.Stalled(buffers.failedAddress(), access);
                }
                case FAULT -> {
                    return broken("buffer at 0x%x, %d bytes, is not guest memory that may be %s".formatted(addresses[i],
                            length,
                            access == Access.READ ? "read" : "written"));
                }
            }
        }
        return null;
    }

    private static Polled broken(String reason) {
        return new Polled.Broken(reason);
    }
}
