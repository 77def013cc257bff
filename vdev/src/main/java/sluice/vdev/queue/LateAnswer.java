package sluice.vdev.queue;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Result;

/**
 * Keeps a chain's answer when the IOMMU invalidates the buffers before the device answers. The addresses are translated
 * again; the answer is kept until the translation arrives.
 */
final class LateAnswer {
    private @Nullable FrontTranslation translation;
    private long generation;
    private long[] addresses = new long[1];
    private long[] lengths = new long[1];
    private int count;
    private byte @Nullable [] answer;
    /** Offset of the kept bytes in the chain's answer, and their number. */
    private int keptFrom;
    private int kept;

    /** Clears it for a chain with memory that cannot be revoked. */
    void none() {
        translation = null;
        answer = null;
    }

    /** Stores the addresses of a chain that was just resolved. */
    void remember(FrontTranslation used, long[] from, int[] sizes, int first, int end) {
        translation = used;
        generation = used.generation();
        answer = null;
        count = end - first;
        if (count > addresses.length) {
            addresses = new long[count];
            lengths = new long[count];
        }
        for (int i = 0; i < count; i++) {
            addresses[i] = from[first + i];
            lengths[i] = Integer.toUnsignedLong(sizes[first + i]);
        }
    }

    /** Capacity in addresses. */
    int room() {
        return addresses.length;
    }

    /**
     * Keeps a piece of an answer if it cannot be written now; returns false if it can. Pieces are contiguous.
     *
     * @param position of the piece in the answer
     */
    boolean keep(byte[] bytes, int from, int length, int position) {
        FrontTranslation used = translation;
        if (used == null || used.generation() == generation) return false;
        byte[] before = answer;
        if (before == null) {
            answer = Arrays.copyOfRange(bytes, from, from + length);
            keptFrom = position;
            kept = length;
            return true;
        }
        int needed = kept + length;
        byte[] room = needed <= before.length ? before : Arrays.copyOf(before, Math.max(needed, before.length * 2));
        System.arraycopy(bytes, from, room, kept, length);
        answer = room;
        kept = needed;
        return true;
    }

    /** @return null if nothing is left to be written */
    @Nullable
    Polled write(int id, Runs memory) {
        byte[] rest = answer;
        FrontTranslation used = translation;
        if (rest == null || used == null) return null;
        memory.clear();
        Result result = new Result(); // kept answers are rare
        for (int i = 0; i < count; i++) {
            switch (used.resolve(addresses[i], lengths[i], Access.WRITE, memory, result)) {
                case RESOLVED -> {
                }
                case MISS -> {
                    return new Polled.Stalled(result.address(), Access.WRITE);
                }
                default -> {
                    answer = null;
                    return new Polled.Broken(
                            "the buffer at 0x%x for the answer to chain %d was unmapped before it was used"
                                    .formatted(addresses[i], id));
                }
            }
        }
        memory.copyFrom(rest, 0, keptFrom, kept);
        answer = null;
        return null;
    }
}
