package sluice.vdev.queue;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;

/**
 * Walks one descriptor chain of a split ring (virtio 1.3 §2.7.5). Each descriptor is read once and checked; later
 * changes by the driver have no effect.
 */
final class SplitWalk {
    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int INDIRECT = 4;

    private final BufferList buffers;
    private final RingFeatures features;
    private final int queueSize;
    private final RingMemory indirectTable = new RingMemory();

    SplitWalk(FrontTranslation translation, RingFeatures features, int queueSize) {
        this.buffers = new BufferList(translation);
        this.features = features;
        this.queueSize = queueSize;
    }

    /**
     * Fills {@code chain} from the descriptor at {@code head}.
     *
     * @return null on success, otherwise the reason
     */
    @Nullable
    Polled walk(RingMemory table, int head, Chain chain) {
        buffers.begin(head);
        Polled failure = read(table, queueSize, head, true);
        return failure != null ? failure : buffers.resolve(chain);
    }

    /** Reads the descriptors of one table, beginning at {@code first}. */
    private @Nullable Polled read(RingMemory table, int tableSize, int first, boolean direct) {
        int index = first;
        for (int seen = 1;; seen++) {
            if (seen > tableSize) {
                return buffers.broken("is longer than its table of %d descriptors: it loops".formatted(tableSize));
            }
            long at = (long) index * BufferList.DESCRIPTOR_BYTES;
            long address = table.u64(at);
            int length = table.u32(at + 8);
            int flags = table.u16(at + 12);
            int next = table.u16(at + 14);
            if ((flags & INDIRECT) != 0) return direct ? indirect(address, length, flags) : nested(index);
            Polled failure = buffers.append(address, length, (flags & WRITE) != 0);
            if (failure != null) return failure;
            if ((flags & NEXT) == 0) return null;
            if (next >= tableSize) {
                return buffers.broken("goes from descriptor %d to descriptor %d, outside its table of %d"
                        .formatted(index, next, tableSize));
            }
            index = next;
        }
    }

    private @Nullable Polled indirect(long address, int length, int flags) {
        Polled failure = buffers.openIndirect(indirectTable, address, length, features.indirect(), (flags & NEXT) != 0);
        if (failure != null) return failure;
        return read(indirectTable, length / BufferList.DESCRIPTOR_BYTES, 0, false);
    }

    private Polled nested(int index) {
        return buffers.broken("has an indirect table inside an indirect table, at its descriptor %d".formatted(index));
    }
}
