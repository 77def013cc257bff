package sluice.vdev.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The chains of a queue between the device's hands and the used ring: how many are open, and which are done and not yet
 * published, in the order in which they will be.
 *
 * <p>That is the order of completion, or with VIRTIO_F_IN_ORDER the order in which the driver made them available: then
 * a chain that is done early waits for those before it.
 */
final class Completions {
    private final boolean inOrder;
    private final List<Chain> done = new ArrayList<>();
    /** With IN_ORDER, the chains that are not in {@link #done}, oldest first. */
    private final ArrayDeque<Chain> line = new ArrayDeque<>();
    private int open;
    /** Why an answer could not be written, until that is told. */
    private Polled.@Nullable Broken unwritten;

    Completions(boolean inOrder) {
        this.inOrder = inOrder;
    }

    void opened(Chain chain) {
        if (inOrder) line.add(chain);
        open++;
    }

    void completed(Chain chain) {
        open--;
        if (!inOrder) {
            done.add(chain);
            return;
        }
        for (Chain oldest = line.peek(); oldest != null && !oldest.isWaiting(); oldest = line.peek()) {
            done.add(line.remove());
        }
    }

    /** Chains with the device. */
    int open() {
        return open;
    }

    /** Chains to publish, in this order. */
    List<Chain> done() {
        return done;
    }

    /**
     * Writes the answers that had to wait. Those whose buffers have gone are given up, and their chains go back to the driver
     * with all others.
     *
     * @return {@link Polled.Stalled} if one cannot be written yet, {@link Polled.Broken} if one never can be, else null
     */
    @Nullable
    Polled settle() {
        for (int i = 0; i < done.size(); i++) {
            switch (done.get(i).settle()) {
                case Polled.Stalled stalled -> {
                    return stalled;
                }
                case Polled.Broken broken -> unwritten = broken;
                case null, default -> {
                }
            }
        }
        Polled.Broken told = unwritten;
        unwritten = null;
        return told;
    }

    /** The chain that was opened last was taken back. */
    void takenBack(Chain chain) {
        open--;
        if (inOrder) line.removeLastOccurrence(chain);
    }

    /** The chains that were done are published. */
    void published() {
        for (int i = 0; i < done.size(); i++) done.get(i).published();
        done.clear();
    }

    /** The queue stops: nothing is open any more. What was done and not published never will be. */
    void abandon() {
        line.clear();
        open = 0;
    }
}
