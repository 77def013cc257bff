package sluice.vdev.queue;

import java.lang.invoke.VarHandle;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.iommu.Access;

/**
 * A split virtqueue (virtio 1.3 §2.7), for one life: from the moment it is started until it is {@linkplain #stop
 * stopped}. A restart makes a new object, so no chain of an earlier life can touch a later one.
 *
 * <p>Ring areas are resolved on first use and again whenever the ring's translation changes its generation.
 */
public final class SplitQueue implements Virtqueue {
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
    private final DescriptorWalk walk;
    private final Chain[] chains;
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
    private int inFlight;
    /** Completed and not yet published; a head is in flight at most once, so there are never more than descriptors. */
    private final int[] completedHeads;
    private final int[] completedBytes;
    private int completions;
    /** The first publication of a life always interrupts: what the driver saw of an earlier life is unknown. */
    private boolean published;
    private Polled.@Nullable Broken broken;

    /**
     * @param position where to go on in the available ring, from SET_VRING_BASE
     * @param rings translates the ring addresses of {@code layout}
     * @param buffers translates the addresses in descriptors
     */
    public SplitQueue(QueueLayout layout, int position, RingFeatures features, FrontTranslation rings,
            FrontTranslation buffers, Interrupt interrupt) {
        this.layout = layout;
        this.features = features;
        this.rings = rings;
        this.buffers = buffers;
        this.interrupt = interrupt;
        this.nextAvailable = position & 0xffff;
        this.mask = layout.size() - 1;
        this.walk = new DescriptorWalk(buffers, features, layout.size());
        this.completedHeads = new int[layout.size()];
        this.completedBytes = new int[layout.size()];
        this.chains = new Chain[layout.size()];
        for (int i = 0; i < chains.length; i++) chains[i] = new Chain(this, i);
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
            return remember(failure);
        int waiting = (available.u16Acquire(INDEX) - nextAvailable) & 0xffff;
        if (waiting == 0)
            return Polled.Empty.EMPTY;
        if (waiting > layout.size()) {
            return remember(new Polled.Broken(
                    "driver claims %d new buffers in a queue of %d".formatted(waiting, layout.size())));
        }
        int head = available.u16(RING + 2L * (nextAvailable & mask));
        if (head >= layout.size()) {
            return remember(new Polled.Broken("available head %d of a queue of %d".formatted(head, layout.size())));
        }
        Chain chain = chains[head];
        if (!chain.isWithDriver()) {
            return remember(
                    new Polled.Broken("descriptor %d was made available again before it was used".formatted(head)));
        }
        failure = walk.walk(descriptors, head, chain);
        if (failure != null)
            return remember(failure);
        chain.takeOff(buffers.memory());
        nextAvailable = (nextAvailable + 1) & 0xffff;
        inFlight++;
        return chain;
    }

    private Polled remember(Polled failure) {
        if (failure instanceof Polled.Broken b)
            broken = b;
        return failure;
    }

    private @Nullable Polled resolveRings() {
        if (resolved && rings.generation() == resolvedGeneration)
            return null;
        resolved = false;
        Polled failure = resolve(descriptors, "descriptor table", layout.descriptors(), layout.descriptorBytes(),
                Access.READ);
        if (failure == null)
            failure = resolve(available, "available ring", layout.available(), layout.availableBytes(), Access.READ);
        if (failure == null)
            failure = resolve(used, "used ring", layout.used(), layout.usedBytes(), Access.WRITE);
        if (failure != null)
            return failure;
        resolvedGeneration = rings.generation();
        resolved = true;
        if (!usedIndexKnown) {
            // The driver's memory says where it expects the next used entry; after a reboot that is not where we were.
            nextUsed = used.u16Acquire(INDEX);
            usedIndexKnown = true;
        }
        return null;
    }

    private @Nullable Polled resolve(RingMemory area, String name, long address, long bytes, Access access) {
        return switch (area.resolve(rings, address, bytes, access)) {
            case RESOLVED -> null;
            case MISS -> new Polled.Stalled(rings.failedAddress(), access);
            case FAULT ->
                new Polled.Broken("%s at 0x%x, %d bytes, is not guest memory".formatted(name, address, bytes));
        };
    }

    /** Called by a chain of this queue that is done. The ring may be out of reach just now, so this only takes note. */
    void completed(int head, int written) {
        inFlight--;
        completedHeads[completions] = head;
        completedBytes[completions] = written;
        completions++;
    }

    @Override
    public Polled publish() {
        if (completions == 0)
            return Polled.Empty.EMPTY;
        if (broken != null)
            return broken;
        Polled failure = resolveRings();
        if (failure != null)
            return remember(failure);
        int old = nextUsed;
        for (int i = 0; i < completions; i++) {
            long element = RING + 8L * (nextUsed & mask);
            used.putU32(element, completedHeads[i]);
            used.putU32(element + 4, completedBytes[i]);
            chains[completedHeads[i]].published();
            nextUsed = (nextUsed + 1) & 0xffff;
        }
        completions = 0;
        used.putU16Release(INDEX, nextUsed);
        // The driver writes its wish, then reads our index; we write the index, then read its wish.
        VarHandle.fullFence();
        if (wantsInterrupt(old) || !published)
            interrupt.raise();
        published = true;
        return Polled.Empty.EMPTY;
    }

    private boolean wantsInterrupt(int old) {
        if (!features.eventIndex())
            return (available.u16(FLAGS) & NO_INTERRUPT) == 0;
        int event = available.u16(RING + 2L * layout.size());
        // §2.7.10: did the index pass the event index in what was just published?
        return ((nextUsed - event - 1) & 0xffff) < ((nextUsed - old) & 0xffff);
    }

    @Override
    public boolean enableNotifications() {
        if (broken != null || resolveRings() != null)
            return false;
        if (features.eventIndex()) {
            used.putU16(RING + 8L * layout.size(), nextAvailable);
        } else {
            used.putU16(FLAGS, 0);
        }
        VarHandle.fullFence();
        return available.u16Acquire(INDEX) != nextAvailable;
    }

    @Override
    public void disableNotifications() {
        // With an event index the driver stays quiet by itself: avail_event lies behind it.
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
        return inFlight;
    }

    @Override
    public void stop() {
        broken = new Polled.Broken("the queue was stopped");
        for (Chain chain : chains) chain.abandon();
        inFlight = 0;
    }
}
