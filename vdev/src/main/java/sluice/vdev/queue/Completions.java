package sluice.vdev.queue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * Tracks the chains of a queue from the device to the used ring: the number in flight, and those completed but not yet
 * published, in publication order.
 *
 * <p>That is the order of completion, or with VIRTIO_F_IN_ORDER the order in which the driver made them available; a
 * chain completed early then waits for its predecessors.
 */
final class Completions {
    private final boolean inOrder;
    private final List<Chain> done = new ArrayList<>();
    /** With IN_ORDER, the chains that are not in {@link #done}, oldest first. */
    private final ArrayDeque<Chain> line = new ArrayDeque<>();
    private int open;
    /** Why an answer could not be written, until reported. */
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

    /** Chains in flight. */
    int open() {
        return open;
    }

    /** Chains to publish, in order. */
    List<Chain> done() {
        return done;
    }

    /**
     * Writes the answers that were kept. Answers to unmapped buffers are dropped; their chains return to the driver
     * with the others.
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

    /** The chain opened last is returned unprocessed. */
    void takenBack(Chain chain) {
        open--;
        if (inOrder) line.removeLastOccurrence(chain);
    }

    /** The completed chains have been published. */
    void published() {
        for (int i = 0; i < done.size(); i++) done.get(i).published();
        done.clear();
    }

    /** The queue stops: no chain is in flight. Completed chains that are not published are dropped. */
    void abandon() {
        line.clear();
        open = 0;
    }
}
