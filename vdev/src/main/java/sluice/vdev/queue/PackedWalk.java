package sluice.vdev.queue;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;

/**
 * Walks one descriptor chain of a packed ring (virtio 1.3 §2.8.5–§2.8.8): consecutive descriptors of the ring, with the
 * buffer id in the last one, or one descriptor that points to an indirect table. Each is read once and checked.
 */
final class PackedWalk {
    static final int NEXT = 1;
    static final int WRITE = 2;
    private static final int INDIRECT = 4;

    private final BufferList buffers;
    private final RingFeatures features;
    private final int queueSize;
    private final RingMemory indirectTable = new RingMemory();
    private int id;
    private int descriptors;

    PackedWalk(FrontTranslation translation, RingFeatures features, int queueSize) {
        this.buffers = new BufferList(translation);
        this.features = features;
        this.queueSize = queueSize;
    }

    /** Buffer id of the chain walked last. */
    int id() {
        return id;
    }

    /** Ring entries of the chain walked last. */
    int descriptors() {
        return descriptors;
    }

    /**
     * Fills {@code chain} from the available descriptors that begin at {@code first}.
     *
     * @param firstFlags flags of the first descriptor, as read
     * @return null on success, otherwise the reason
     */
    @Nullable
    Polled walk(RingMemory ring, int first, int firstFlags, Chain chain) {
        buffers.begin(first);
        Polled failure = read(ring, first, firstFlags);
        return failure != null ? failure : buffers.resolve(chain);
    }

    private @Nullable Polled read(RingMemory ring, int first, int firstFlags) {
        int flags = firstFlags;
        int index = first;
        for (descriptors = 1;; descriptors++) {
            long at = (long) index * BufferList.DESCRIPTOR_BYTES;
            long address = ring.u64(at);
            int length = ring.u32(at + 8);
            id = ring.u16(at + 12);
            Polled failure = (flags & INDIRECT) != 0
                    ? indirect(address, length, flags)
                    : buffers.append(address, length, (flags & WRITE) != 0);
            if (failure != null) return failure;
            if ((flags & NEXT) == 0) return null;
            if (descriptors == queueSize) {
                return buffers.broken("is longer than the ring of %d".formatted(queueSize));
            }
            index = index + 1 == queueSize ? 0 : index + 1;
            flags = ring.u16((long) index * BufferList.DESCRIPTOR_BYTES + 14);
        }
    }

    /** In an indirect table of a packed ring descriptors are consecutive; only the flag WRITE is valid (§2.8.7). */
    private @Nullable Polled indirect(long address, int length, int flags) {
        Polled failure = buffers.openIndirect(indirectTable, address, length, features.indirect(), (flags & NEXT) != 0);
        if (failure != null) return failure;
        for (int i = 0; i < length / BufferList.DESCRIPTOR_BYTES; i++) {
            long at = (long) i * BufferList.DESCRIPTOR_BYTES;
            int entryFlags = indirectTable.u16(at + 14);
            if ((entryFlags & INDIRECT) != 0) {
                return buffers
                        .broken("has an indirect table inside an indirect table, at its descriptor %d".formatted(i));
            }
            failure = buffers.append(indirectTable.u64(at), indirectTable.u32(at + 8), (entryFlags & WRITE) != 0);
            if (failure != null) return failure;
        }
        return null;
    }
}
