package sluice.vdev.queue;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.QueueTrace;
import sluice.iommu.Access;

/**
 * A packed virtqueue (virtio 1.3 §2.8), from one start to its stop. Both sides write the descriptors of one ring; two
 * flags and a wrap counter determine which side owns an entry.
 */
final class PackedQueue implements Virtqueue {
    private static final int LENGTH = 8;
    private static final int ID = 12;
    private static final int FLAGS = 14;
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;

    // Event suppression structures (§2.8.10): offset and wrap counter, then flags.
    private static final int EVENT_BYTES = 4;
    private static final int EVENT_FLAGS = 2;
    private static final int EVENT_ENABLE = 0;
    private static final int EVENT_DISABLE = 1;
    private static final int EVENT_AT_DESCRIPTOR = 2;
    private static final int EVENT_WRAP = 1 << 15;

    private final QueueLayout layout;
    private final RingFeatures features;
    private final FrontTranslation rings;
    private final FrontTranslation buffers;
    private final Interrupt interrupt;
    private final QueueTrace trace;
    private final PackedWalk walk;
    private final Completions completions;
    private final ChainPool pool = new ChainPool(this::completed);
    private final ArrayDeque<Chain> lent = new ArrayDeque<>();

    private final RingMemory ring = new RingMemory();
    private final RingMemory driverEvents = new RingMemory();
    private final RingMemory deviceEvents = new RingMemory();
    private long resolvedGeneration;
    private boolean resolved;

    private int nextAvailable;
    private boolean availableWrap;
    /** Requests taken since this start. */
    private long requests;
    private int nextUsed;
    private boolean usedWrap;
    /** Ring entries that the device owns. */
    private int descriptorsHeld;
    private boolean published;
    private Polled.@Nullable Broken broken;
    /** The ring is permanently unreachable, or the queue was stopped: chains can no longer be returned. */
    private boolean lost;

    /** See {@link Virtqueue#open}. The position holds both indices and wrap counters, 16 bits each. */
    PackedQueue(QueueLayout layout, int position, RingFeatures features, FrontTranslation rings,
            FrontTranslation buffers, Interrupt interrupt, QueueTrace trace) {
        layout.checkPacked();
        this.layout = layout;
        this.features = features;
        this.rings = rings;
        this.buffers = buffers;
        this.interrupt = interrupt;
        this.trace = trace;
        this.walk = new PackedWalk(buffers, features, layout.size());
        this.completions = new Completions(features.inOrder());
        nextAvailable = (position & 0x7fff) % layout.size();
        availableWrap = (position & 0x8000) != 0;
        nextUsed = (position >>> 16 & 0x7fff) % layout.size();
        usedWrap = position < 0;
    }

    @Override
    public int size() {
        return layout.size();
    }

    @Override
    public Polled poll() {
        if (broken != null) return broken;
        Polled failure = resolveRings();
        if (failure != null) return failure;
        int flags = ring.u16Acquire(entry(nextAvailable) + FLAGS);
        if (!isAvailable(flags)) {
            trace.empty();
            return Polled.Empty.EMPTY;
        }
        Chain chain = pool.take();
        failure = walk.walk(ring, nextAvailable, flags, chain);
        if (failure == null && walk.descriptors() > layout.size() - descriptorsHeld) {
            failure = new Polled.Broken("driver made %d descriptors available while %d of %d are not used yet"
                    .formatted(walk.descriptors(), descriptorsHeld, layout.size()));
        }
        if (failure != null) {
            pool.keep(chain);
            return remember(failure);
        }
        chain.takeOff(walk.id(), walk.descriptors(), buffers.memory());
        long now = trace.take();
        chain.time(now, trace.waited(now), 0, ++requests); // the driver's entries have no count
        completions.opened(chain);
        lent.add(chain);
        descriptorsHeld += walk.descriptors();
        nextAvailable += walk.descriptors();
        if (nextAvailable >= layout.size()) {
            nextAvailable -= layout.size();
            availableWrap = !availableWrap;
        }
        failure = pool.out(chain);
        return failure == null ? chain : remember(failure);
    }

    @Override
    public void takeBack(Chain chain) {
        if (!chain.isWaiting()) return; // the queue was stopped
        completions.takenBack(chain);
        chain.takeBack();
        lent.remove(chain);
        pool.back(chain);
        requests--;
        descriptorsHeld -= chain.descriptors();
        nextAvailable -= chain.descriptors();
        if (nextAvailable < 0) {
            nextAvailable += layout.size();
            availableWrap = !availableWrap;
        }
    }

    private static long entry(int index) {
        return (long) index * BufferList.DESCRIPTOR_BYTES;
    }

    private boolean isAvailable(int flags) {
        boolean avail = (flags & AVAIL) != 0;
        boolean used = (flags & USED) != 0;
        return avail == availableWrap && used != availableWrap;
    }

    private Polled remember(Polled failure) {
        if (failure instanceof Polled.Broken b) broken = b;
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
        if (resolved && rings.generation() == resolvedGeneration) return null;
        resolved = false;
        Polled failure = ring.open(rings, "descriptor ring", layout.descriptors(), layout.descriptorBytes(),
                Access.WRITE);
        if (failure == null) {
            failure = driverEvents.open(rings, "driver event suppression", layout.available(), EVENT_BYTES,
                    Access.READ);
        }
        if (failure == null) {
            failure = deviceEvents.open(rings, "device event suppression", layout.used(), EVENT_BYTES, Access.WRITE);
        }
        if (failure != null) return lose(failure);
        resolvedGeneration = rings.generation();
        resolved = true;
        return null;
    }

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
        int firstAt = nextUsed;
        int firstFlags = usedFlags(done.getFirst());
        int descriptors = 0;
        for (int i = 0; i < done.size(); i++) {
            Chain chain = done.get(i);
            ring.putU32(entry(nextUsed) + LENGTH, chain.written());
            ring.putU16(entry(nextUsed) + ID, chain.id());
            // The flags of the first entry are written last: until then the driver sees none of the entries.
            if (i > 0) ring.putU16(entry(nextUsed) + FLAGS, usedFlags(chain));
            descriptors += chain.descriptors();
            nextUsed += chain.descriptors();
            if (nextUsed >= layout.size()) {
                nextUsed -= layout.size();
                usedWrap = !usedWrap;
            }
            lent.remove(chain);
            pool.back(chain);
        }
        descriptorsHeld -= descriptors;
        completions.published();
        ring.putU16Release(entry(firstAt) + FLAGS, firstFlags);
        // The driver writes its event suppression, then reads our flags; we write the flags, then read its event
        // suppression.
        VarHandle.fullFence();
        if (wantsInterrupt(descriptors) || !published) {
            raising = trace.now();
            interrupt.raise();
        }
        published = true;
        trace.answered(answered, began, raising);
        return unwritten == null ? Polled.Empty.EMPTY : remember(unwritten);
    }

    private int usedFlags(Chain chain) {
        return (usedWrap ? AVAIL | USED : 0) | (chain.written() > 0 ? PackedWalk.WRITE : 0);
    }

    /** @param descriptors ring entries just published */
    private boolean wantsInterrupt(int descriptors) {
        if (features.notifyOnEmpty() && completions.open() == 0
                && !isAvailable(ring.u16Acquire(entry(nextAvailable) + FLAGS))) {
            return true;
        }
        int flags = driverEvents.u16(EVENT_FLAGS);
        if (!features.eventIndex() || flags != EVENT_AT_DESCRIPTOR) return flags != EVENT_DISABLE;
        int wish = driverEvents.u16(0);
        int event = wish & ~EVENT_WRAP;
        if (((wish & EVENT_WRAP) != 0) != usedWrap) event -= layout.size();
        return event >= nextUsed - descriptors && event < nextUsed;
    }

    @Override
    public boolean enableNotifications() {
        if (broken != null || resolveRings() != null) return true;
        if (features.eventIndex()) {
            deviceEvents.putU16(0, nextAvailable | (availableWrap ? EVENT_WRAP : 0));
            deviceEvents.putU16Release(EVENT_FLAGS, EVENT_AT_DESCRIPTOR);
        } else {
            deviceEvents.putU16(EVENT_FLAGS, EVENT_ENABLE);
        }
        VarHandle.fullFence();
        return isAvailable(ring.u16Acquire(entry(nextAvailable) + FLAGS));
    }

    @Override
    public void leavePosted() {
        trace.empty();
    }

    @Override
    public void disableNotifications() {
        if (broken != null || resolveRings() != null) return;
        deviceEvents.putU16(EVENT_FLAGS, EVENT_DISABLE);
    }

    @Override
    public int position() {
        return nextAvailable | (availableWrap ? 1 << 15 : 0) | nextUsed << 16 | (usedWrap ? 1 << 31 : 0);
    }

    @Override
    public int inFlight() {
        return completions.open();
    }

    @Override
    public void stop() {
        broken = new Polled.Broken("the queue was stopped");
        lost = true;
        for (Chain chain : lent) chain.abandon();
        lent.clear();
        completions.abandon();
    }
}
