package sluice.vdev.queue;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;

/**
 * Where a chain's answer goes if the memory it was resolved to is taken back before the device answers. Behind an IOMMU
 * that forgets everything now and then, an address must be looked up again: the answer waits until it is known.
 */
final class LateAnswer {
    private @Nullable FrontTranslation translation;
    private long generation;
    private long[] addresses = new long[1];
    private long[] lengths = new long[1];
    private int count;
    private byte @Nullable [] answer;

    /** Nothing need be kept of this chain: its memory cannot be revoked. */
    void none() {
        translation = null;
        answer = null;
    }

    /** Keeps the addresses of a chain that was just resolved. */
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

    /** For how many addresses it has room. */
    int room() {
        return addresses.length;
    }

    /** Keeps an answer if it cannot be written now; false if it can. */
    boolean keep(byte[] bytes, int length) {
        FrontTranslation used = translation;
        if (used == null || used.generation() == generation) return false;
        answer = Arrays.copyOf(bytes, length);
        return true;
    }

    /** @return null if nothing is left to be written */
    @Nullable
    Polled write(int id, Runs memory) {
        byte[] kept = answer;
        FrontTranslation used = translation;
        if (kept == null || used == null) return null;
        memory.clear();
        for (int i = 0; i < count; i++) {
            switch (used.resolve(addresses[i], lengths[i], Access.WRITE, memory)) {
                case RESOLVED -> {
                }
                case MISS -> {
                    return new Polled.Stalled(used.failedAddress(), Access.WRITE);
                }
                case FAULT -> {
                    answer = null;
                    return new Polled.Broken(
                            "the buffer at 0x%x for the answer to chain %d was unmapped before it was used"
                                    .formatted(addresses[i], id));
                }
            }
        }
        memory.copyFrom(kept, 0, 0, kept.length);
        answer = null;
        return null;
    }
}
