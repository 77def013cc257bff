package sluice.vdev.queue;

import java.lang.invoke.VarHandle;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.QueueTrace;
import sluice.iommu.Access;

/**
 * A split virtqueue (virtio 1.3 §2.7), from one start until it is {@linkplain #stop stopped}. A restart creates a new
 * object, so a chain of an earlier object cannot affect it.
 *
 * <p>Ring areas are resolved on first use, and again when the generation of the ring's translation changes.
 */
final class SplitQueue implements Virtqueue {
    // Available ring: flags, index, heads, used_event. Used ring: flags, index, (id, length)s, avail_event.
    private static final int FLAGS = 0;
    private static final int INDEX = 2;
    private static final int RING = 4;
    private static final int NO_INTERRUPT = 1;
    private static final int NO_NOTIFY = 1;

    private final QueueLayout layout;
    private final RingFeatures features;
    private final FrontTranslation rings;
    private final FrontTranslation buffers;
    private final Interrupt interrupt;
    private final QueueTrace trace;
    private final SplitWalk walk;
    /** Chains in flight, by head. */
    private final @Nullable Chain[] out;
    private final ChainPool pool = new ChainPool(this::completed);
    private final Completions completions;
    private final int mask;

    private final RingMemory descriptors = new RingMemory();
    private final RingMemory available = new RingMemory();
    private final RingMemory used = new RingMemory();
    private long resolvedGeneration;
    private boolean resolved;
    private boolean usedIndexKnown;

    /** Ring positions, free running, 16 bits of them on the wire. */
    private int nextAvailable;
    private int nextUsed;
    /** Requests taken since the driver has set the queue up, modulo 65536 for those before this start. */
    private long requests;
    /**
     * The first publication after a start always interrupts, because it is unknown what the driver saw before the
     * restart.
     */
    private boolean published;
    private Polled.@Nullable Broken broken;
    /** The ring is permanently unreachable, or the queue was stopped: chains can no longer be returned. */
    private boolean lost;

    /**
     * @param position next index of the available ring, from SET_VRING_BASE
     * @param rings translates the ring addresses of {@code layout}
     * @param buffers translates the addresses in descriptors
     */
    SplitQueue(QueueLayout layout, int position, RingFeatures features, FrontTranslation rings,
            FrontTranslation buffers, Interrupt interrupt, QueueTrace trace) {
        layout.checkSplit();
        this.layout = layout;
        this.features = features;
        this.rings = rings;
        this.buffers = buffers;
        this.interrupt = interrupt;
        this.trace = trace;
        this.nextAvailable = position & 0xffff;
        this.requests = nextAvailable;
        this.mask = layout.size() - 1;
        this.walk = new SplitWalk(buffers, features, layout.size());
        this.completions = new Completions(features.inOrder());
        this.out = new @Nullable Chain[layout.size()];
    }

    @Override
    public int size() {
        return layout.size();
    }

    @Override
    public Polled poll() {
        if (broken != null)
            return broken;
        Polled failure = resolveRings();
        if (failure != null)
            return failure;
        int waiting = (available.u16Acquire(INDEX) - nextAvailable) & 0xffff;
        if (waiting == 0) {
            trace.empty();
            return Polled.Empty.EMPTY;
        }
        if (waiting > layout.size()) {
            return remember(new Polled.Broken(
                    "driver claims %d new buffers in a queue of %d".formatted(waiting, layout.size())));
        }
        int head = available.u16(RING + 2L * (nextAvailable & mask));
        if (head >= layout.size()) {
            return remember(new Polled.Broken("available head %d of a queue of %d".formatted(head, layout.size())));
        }
        if (out[head] != null) {
            return remember(
                    new Polled.Broken("descriptor %d was made available again before it was used".formatted(head)));
        }
        Chain chain = pool.take();
        failure = walk.walk(descriptors, head, chain);
        if (failure != null) {
            pool.keep(chain);
            return remember(failure);
        }
        chain.takeOff(head, 0, buffers.memory());
        long now = trace.take();
        chain.time(now, trace.waited(now), waiting, ++requests);
        out[head] = chain;
        completions.opened(chain);
        failure = pool.out(chain);
        if (failure != null) return remember(failure);
        nextAvailable = (nextAvailable + 1) & 0xffff;
        return chain;
    }

    @Override
    public void takeBack(Chain chain) {
        if (!chain.isWaiting()) return; // the queue was stopped
        completions.takenBack(chain);
        chain.takeBack();
        out[chain.id()] = null;
        pool.back(chain);
        requests--;
        nextAvailable = (nextAvailable - 1) & 0xffff;
    }

    private Polled remember(Polled failure) {
        if (failure instanceof Polled.Broken b)
            broken = b;
        return failure;
    }

    /**
     * A refusal is reported once: the first access stores it for all later calls, even if that access was only a
     * notification hint.
     */
    private Polled lose(Polled failure) {
        if (failure instanceof Polled.Broken) lost = true;
        return remember(failure);
    }

    private @Nullable Polled resolveRings() {
        if (lost) return broken;
        if (resolved && rings.generation() == resolvedGeneration)
            return null;
        resolved = false;
        Polled failure = descriptors.open(rings, "descriptor table", layout.descriptors(), layout.descriptorBytes(),
                Access.READ);
        if (failure == null)
            failure = available.open(rings, "available ring", layout.available(), layout.availableBytes(), Access.READ);
        if (failure == null)
            failure = used.open(rings, "used ring", layout.used(), layout.usedBytes(), Access.WRITE);
        if (failure != null)
            return lose(failure);
        resolvedGeneration = rings.generation();
        resolved = true;
        if (!usedIndexKnown) {
            // The used index is read from guest memory: after a reboot it differs from our own.
            nextUsed = used.u16Acquire(INDEX);
            usedIndexKnown = true;
        }
        return null;
    }

    /** A chain of this queue is complete. The ring may be unreachable now, so this only records it. */
    private void completed(Chain chain) {
        trace.done(chain.name(), chain.taken(), chain.waited(), chain.available(), chain.request());
        completions.completed(chain);
    }

    @Override
    public Polled publish() {
        List<Chain> done = completions.done();
        if (done.isEmpty()) return Polled.Empty.EMPTY;
        // Chains completed before the driver broke a rule are still returned, as long as the ring is reachable.
        Polled failure = resolveRings();
        if (failure != null) return failure;
        Polled unwritten = completions.settle();
        if (unwritten instanceof Polled.Stalled) return unwritten;
        long began = trace.now();
        long raising = 0;
        int answered = done.size();
        int old = nextUsed;
        for (int i = 0; i < done.size(); i++) {
            long element = RING + 8L * (nextUsed & mask);
            used.putU32(element, done.get(i).id());
            used.putU32(element + 4, done.get(i).written());
            out[done.get(i).id()] = null;
            pool.back(done.get(i));
            nextUsed = (nextUsed + 1) & 0xffff;
        }
        completions.published();
        used.putU16Release(INDEX, nextUsed);
        // The driver writes used_event, then reads our index; we write the index, then read used_event.
        VarHandle.fullFence();
        if (wantsInterrupt(old) || !published) {
            raising = trace.now();
            interrupt.raise();
        }
        published = true;
        trace.answered(answered, began, raising);
        return unwritten == null ? Polled.Empty.EMPTY : remember(unwritten);
    }

    private boolean wantsInterrupt(int old) {
        if (features.notifyOnEmpty() && completions.open() == 0 && available.u16Acquire(INDEX) == nextAvailable)
            return true;
        if (!features.eventIndex())
            return (available.u16(FLAGS) & NO_INTERRUPT) == 0;
        int event = available.u16(RING + 2L * layout.size());
        // §2.7.10: whether the index passed used_event with this publication.
        return ((nextUsed - event - 1) & 0xffff) < ((nextUsed - old) & 0xffff);
    }

    @Override
    public boolean enableNotifications() {
        // The driver was not asked to notify, so the caller must not wait. Polling again returns the reason.
        if (broken != null || resolveRings() != null)
            return true;
        if (features.eventIndex()) {
            used.putU16(RING + 8L * layout.size(), nextAvailable);
        } else {
            used.putU16(FLAGS, 0);
        }
        VarHandle.fullFence();
        return available.u16Acquire(INDEX) != nextAvailable;
    }

    @Override
    public void leavePosted() {
        trace.empty();
    }

    @Override
    public void disableNotifications() {
        // With EVENT_IDX the driver does not notify by itself: avail_event is in the past.
        if (features.eventIndex() || broken != null || resolveRings() != null)
            return;
        used.putU16(FLAGS, NO_NOTIFY);
    }

    @Override
    public int position() {
        return nextAvailable;
    }

    @Override
    public int inFlight() {
        return completions.open();
    }

    @Override
    public void stop() {
        broken = new Polled.Broken("the queue was stopped");
        lost = true;
        for (Chain chain : out) {
            if (chain != null) chain.abandon();
        }
        completions.abandon();
    }
}
