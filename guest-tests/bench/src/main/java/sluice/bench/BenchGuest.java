package sluice.bench;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.trace.QueueTrace;
import sluice.vdev.fixture.QueueLayout;
import sluice.vdev.fixture.SplitRings;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * A guest with one queue, whose driver allocates nothing: each of its slots holds one command, prepared once and made available again
 * and again. Guest addresses are {@link #BASE} plus the offset in its memory.
 */
final class BenchGuest {
    static final long BASE = 0x1_0000_0000L;
    static final int PAGE = 4096;
    static final int QUEUE_SIZE = 64;
    private static final long SLOTS = 1 << 20;
    private static final long SLOT_BYTES = 1 << 17;
    private static final int RESPONSE_BYTES = 64;
    /** Where pages for pictures begin. */
    static final long PICTURES = 16L << 20;
    private static final long BYTES = 64L << 20;

    private final FileMapping mapping;
    private final GuestMemoryView view = new GuestMemoryView();
    private final FrontTranslation translation = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    private final SplitRings rings;
    private final Virtqueue queue;
    private int available;
    private int used;

    BenchGuest() throws IOException {
        this(QueueTrace.NONE);
    }

    /** The same with a trace. */
    BenchGuest(QueueTrace trace) throws IOException {
        try (Fd file = Memfd.create("bench", Memfd.ALLOW_SEALING)) {
            Memfd.resize(file, BYTES);
            Seals.add(file, Seals.SHRINK | Seals.GROW);
            mapping = FileMappings.ofProcess().map(file);
        }
        GuestMemory memory = GuestMemory.of(List.of(MemoryRegion.of(BASE, BYTES, BASE, mapping, 0)));
        view.adopt(memory);
        mapping.release(); // the table holds it
        memory().fill((byte) 0x5a);
        QueueLayout layout = QueueLayout.contiguous(QUEUE_SIZE, 0, BASE);
        rings = new SplitRings(memory(), layout);
        rings.clear();
        queue = Virtqueue.open(new sluice.vdev.queue.QueueLayout(QUEUE_SIZE, layout.descriptorAddress(),
                layout.availAddress(), layout.usedAddress()), 0, RingFeatures.of(RingFeatures.EVENT_IDX), translation,
                translation,
                () -> {}, trace);
    }

    MemorySegment memory() {
        return mapping.segment();
    }

    FrontTranslation translation() {
        return translation;
    }

    Virtqueue queue() {
        return queue;
    }

    /** Where the command of a slot lies. */
    long commandOffset(int slot) {
        return SLOTS + slot * SLOT_BYTES;
    }

    /** Declares the size of the slot's command in bytes; slots are 0 to half the queue's size. */
    void prepare(int slot, long bytes) {
        rings.rawDescriptor(2 * slot, BASE + commandOffset(slot), bytes, SplitRings.DESC_NEXT, 2 * slot + 1);
        rings.rawDescriptor(2 * slot + 1, BASE + responseOffset(slot), RESPONSE_BYTES, SplitRings.DESC_WRITE, 0);
    }

    private long responseOffset(int slot) {
        return commandOffset(slot) + SLOT_BYTES - RESPONSE_BYTES;
    }

    /** Makes a slot's command available. */
    void send(int slot) {
        rings.rawAvail(available & (QUEUE_SIZE - 1), 2 * slot);
        available = (available + 1) & 0xffff;
        rings.availIndex(available);
    }

    /** Takes back everything used. Returns how many. */
    int takeBack() {
        int before = used;
        used = rings.usedIndex();
        return (used - before) & 0xffff;
    }

    /** The first number of a slot's response. */
    int response(int slot) {
        return memory().get(ValueLayout.JAVA_INT, responseOffset(slot));
    }

    /** Gives the memory back. */
    void close() {
        queue.stop();
        view.adopt(GuestMemory.empty());
    }
}
