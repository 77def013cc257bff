package sluice.vdev.queue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.trace.QueueTrace;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.GuestRegion;
import sluice.vdev.fixture.RingKind;

/**
 * One queue with both its ends on one thread: a driver, guest memory between them, and the device's side under test.
 * Rings are given in user addresses and buffers in guest addresses, as vhost-user does.
 */
public final class QueueRig implements AutoCloseable {
    /** Descriptors of each indirect table. */
    static final int TABLE_ENTRIES = 4;
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(10);

    public final GuestRam ram;
    final RingKind kind;
    public final DriverQueue driver;
    /** Room for buffers; page-aligned. */
    final Buffer data;
    final GuestMemoryView view = new GuestMemoryView();
    final FrontTranslation rings = new IdentityTranslation(view, GuestMemory.Addressing.USER);
    final FrontTranslation buffers = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
    final RingFeatures features;
    final QueueLayout layout;
    public int interrupts;

    private final Budget budget = Budget.of(Resource.MAPPINGS, 16);
    private final FileMappings files = new FileMappings(budget);
    private final List<Virtqueue> queues = new ArrayList<>();

    /** A queue of {@code size}, with {@code dataBytes} for buffers. */
    public QueueRig(int size, RingFeatures features, long dataBytes) throws IOException {
        this.features = features;
        long ringBytes = sluice.vdev.fixture.QueueLayout.contiguousBytes(size);
        long tableBytes = (long) size * TABLE_ENTRIES * 16;
        ram = GuestRam.single(pages(ringBytes) + pages(tableBytes) + pages(dataBytes), 1);
        Buffer ring = ram.allocate(ringBytes);
        Buffer tables = ram.allocate(tableBytes);
        data = ram.allocate(dataBytes);
        kind = features.packed() ? RingKind.PACKED : RingKind.SPLIT;
        driver = DriverQueue.of(kind, ram.memory(), sluice.vdev.fixture.QueueLayout.contiguous(size,
                ram.offset(ring.address(), ringBytes), ram.userAddress(ring.address())), features.eventIndex(),
                features.inOrder())
                .withTables(ram.offset(tables.address(), tableBytes), tables.address(), TABLE_ENTRIES);
        layout = new QueueLayout(size, driver.layout().descriptorAddress(), driver.layout().availAddress(),
                driver.layout().usedAddress());
        view.adopt(table(ram));
    }

    static QueueRig of(int size) throws IOException {
        return of(RingKind.SPLIT, size);
    }

    static QueueRig of(RingKind kind, int size) throws IOException {
        return new QueueRig(size, features(kind, true), 1 << 16);
    }

    /** A position early in a lap of the ring, or just before a split ring's index wraps. */
    static int somewhere(RingKind kind, int size) {
        int entry = size / 2; // with both wrap counters 0
        return kind == RingKind.PACKED ? entry << 16 | entry : 65_300;
    }

    /** With indirect tables and without IN_ORDER. */
    static RingFeatures features(RingKind kind, boolean eventIndex) {
        return new RingFeatures(true, eventIndex, kind == RingKind.PACKED, false, false);
    }

    private static long pages(long bytes) {
        return (bytes + GuestRam.PAGE - 1) & -GuestRam.PAGE;
    }

    /** A generation of the memory table that says what {@code memory} says. The caller owns it. */
    GuestMemory table(GuestRam memory) throws IOException {
        FileMapping mapping = files.map(memory.file());
        List<MemoryRegion> regions = new ArrayList<>();
        for (GuestRegion region : memory.regions()) {
            regions.add(MemoryRegion.of(region.guestAddress(), region.size(), region.userAddress(), mapping,
                    region.fileOffset()));
        }
        GuestMemory table = GuestMemory.of(regions);
        mapping.release();
        return table;
    }

    /** Starts the device's side where a fresh driver begins. */
    Virtqueue start() {
        return start(kind.start());
    }

    /** Starts the device's side at {@code position}, as SET_VRING_BASE carries it. */
    public Virtqueue start(int position) {
        return start(position, rings, buffers);
    }

    /** The same with a trace, and with another interrupt. */
    public Virtqueue start(int position, Interrupt interrupt, QueueTrace trace) {
        Virtqueue queue = Virtqueue.open(layout, position, features, rings, buffers, interrupt, trace);
        queues.add(queue);
        return queue;
    }

    Virtqueue start(int position, FrontTranslation ringAddresses, FrontTranslation bufferAddresses) {
        Virtqueue queue = Virtqueue.open(layout, position, features, ringAddresses, bufferAddresses,
                () -> interrupts++);
        queues.add(queue);
        return queue;
    }

    /** Guest address of byte {@code offset} of the room for buffers. */
    long at(long offset) {
        return data.address() + offset;
    }

    public Buffer buffer(long offset, long length) {
        return new Buffer(at(offset), length);
    }

    public byte[] read(long offset, int length) {
        return ram.read(List.of(data), offset, length);
    }

    /** Files mapped now. */
    long mapped() {
        return budget.used(Resource.MAPPINGS);
    }

    static Chain chain(Polled polled) {
        if (polled instanceof Chain chain) return chain;
        throw new AssertionError("a chain was expected, not " + polled);
    }

    void awaitMapped(int expected) {
        await(expected + " mapped files", () -> budget.used(Resource.MAPPINGS) == expected);
    }

    static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + LIMIT_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end > 0) throw new AssertionError("there were not " + what + " within 10 s");
            LockSupport.parkNanos(100_000);
        }
    }

    /** Closes everything; a generation that is still referenced fails the test. */
    @Override
    public void close() {
        queues.forEach(Virtqueue::stop);
        view.adopt(GuestMemory.empty());
        ram.close();
        awaitMapped(0);
    }
}
