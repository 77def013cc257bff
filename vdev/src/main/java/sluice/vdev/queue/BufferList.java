package sluice.vdev.queue;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Result;

/**
 * The buffers of one chain: collected from descriptors and counted, then resolved to guest memory. Used for split and
 * packed rings.
 */
final class BufferList {
    /**
     * Most buffers in one chain, indirect ones included. QEMU has the same limit (hw/virtio/virtio.c,
     * VIRTQUEUE_MAX_SIZE).
     */
    static final int MAX_BUFFERS = 1024;
    /** Size of a descriptor, in split and packed rings. */
    static final int DESCRIPTOR_BYTES = 16;
    /** Most bytes in one chain (virtio 1.3 §2.7.5, §2.8.5). */
    private static final long MAX_BYTES = 1L << 32;

    private final FrontTranslation translation;
    private final Result result = new Result();
    /** Ring entry of the chain's head, for messages. */
    private int head;
    private long[] addresses = new long[16];
    private int[] lengths = new int[16];
    private int count;
    /** Number of device-readable buffers; the rest are device-writable. */
    private int readableCount;
    private long bytes;

    BufferList(FrontTranslation translation) {
        this.translation = translation;
    }

    /** Begins a new chain with its head at entry {@code first} of the ring. */
    void begin(int first) {
        head = first;
        count = 0;
        readableCount = 0;
        bytes = 0;
    }

    /** @return null if the buffer may follow those before it */
    @Nullable
    Polled append(long address, int length, boolean write) {
        if (count == MAX_BUFFERS) {
            return broken("has more than %d buffers".formatted(MAX_BUFFERS));
        }
        if (!write && readableCount != count) {
            return broken("has a device-readable buffer, number %d, after a device-writable one (virtio 1.3 §2.7.4.2)"
                    .formatted(count + 1));
        }
        bytes += Integer.toUnsignedLong(length);
        if (bytes > MAX_BYTES) return broken("has more than 2^32 bytes");
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, count * 2);
            lengths = Arrays.copyOf(lengths, count * 2);
        }
        addresses[count] = address;
        lengths[count] = length;
        count++;
        if (!write) readableCount++;
        return null;
    }

    /**
     * Opens the indirect table that a descriptor points to.
     *
     * @return null on success: {@code table} holds it
     */
    @Nullable
    Polled openIndirect(RingMemory table, long address, int length, boolean negotiated, boolean hasNext) {
        if (!negotiated) {
            return broken("has an indirect table, but VIRTIO_F_INDIRECT_DESC was not negotiated");
        }
        if (hasNext) return broken("has an indirect descriptor with flag NEXT (virtio 1.3 §2.7.5.3.1)");
        if (length <= 0 || length % DESCRIPTOR_BYTES != 0 || length > MAX_BUFFERS * DESCRIPTOR_BYTES) {
            return broken("has an indirect table of %d bytes; it must hold 1 to %d descriptors of 16 bytes"
                    .formatted(Integer.toUnsignedLong(length), MAX_BUFFERS));
        }
        return switch (table.resolve(translation, address, length, Access.READ, result)) {
            case RESOLVED -> null;
            case MISS -> new Polled.Stalled(result.address(), Access.READ);
            default ->
                broken("has an indirect table at 0x%x, %d bytes, that is not guest memory%s".formatted(address, length,
                        RingMemory.reason(result)));
        };
    }

    /** @return null on success: {@code chain} holds the resolved buffers */
    @Nullable
    Polled resolve(Chain chain) {
        chain.clear();
        for (int i = 0; i < count; i++) {
            Access access = i < readableCount ? Access.READ : Access.WRITE;
            Runs target = i < readableCount ? chain.readable() : chain.writable();
            long length = Integer.toUnsignedLong(lengths[i]);
            if (length == 0) continue;
            switch (translation.resolve(addresses[i], length, access, target, result)) {
                case RESOLVED -> {
                }
                case MISS -> {
                    return new Polled.Stalled(result.address(), access);
                }
                default -> {
                    return broken("has a buffer at 0x%x, %d bytes, that is not guest memory which may be %s%s"
                            .formatted(addresses[i], length, access == Access.READ ? "read" : "written",
                                    RingMemory.reason(result)));
                }
            }
        }
        if (translation.isRevocable()) {
            chain.late().remember(translation, addresses, lengths, readableCount, count);
        } else {
            chain.late().none();
        }
        return null;
    }

    /** @param what the rest of the sentence, after the name of the chain */
    Polled broken(String what) {
        return new Polled.Broken("the descriptor chain at " + head + " " + what);
    }
}
