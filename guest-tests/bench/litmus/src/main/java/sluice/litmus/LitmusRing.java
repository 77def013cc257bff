package sluice.litmus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.GuestRegion;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.QueueLayout;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * A ring with both its ends and event indices, idle after one chain; neither end wants to be told of the next. All rings lie in one
 * memory, in places that are used again when the tests of some time ago are over.
 */
final class LitmusRing {
    private static final int SIZE = 4;
    private static final int PLACES = 8192;
    private static final long ROOM = (sluice.vdev.fixture.QueueLayout.contiguousBytes(SIZE) + 63) & -64;
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final GuestMemoryView VIEW = new GuestMemoryView();
    private static final GuestRam RAM;
    private static final Buffer RINGS;
    private static final Buffer DATA;

    static {
        try {
            RAM = GuestRam.single(GuestRam.PAGE * (PLACES * ROOM / GuestRam.PAGE + 2), 1);
            RINGS = RAM.allocate(PLACES * ROOM);
            DATA = RAM.allocate(GuestRam.PAGE);
            GuestRegion region = RAM.regions().getFirst();
            FileMapping mapping = new FileMappings(Budget.of(Resource.MAPPINGS, 1)).map(RAM.file());
            VIEW.adopt(
                    GuestMemory.of(List.of(MemoryRegion.of(region.guestAddress(), region.size(), region.userAddress(),
                            mapping, region.fileOffset()))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final DriverQueue driver;
    private final Virtqueue device;
    private int interrupts;

    LitmusRing(RingKind kind) {
        Buffer place = new Buffer(RINGS.address() + NEXT.getAndIncrement() % PLACES * ROOM, ROOM);
        RAM.slice(place).fill((byte) 0);
        driver = DriverQueue.of(kind, RAM.memory(), sluice.vdev.fixture.QueueLayout.contiguous(SIZE,
                RAM.offset(place.address(), ROOM), RAM.userAddress(place.address())), true, false);
        device = Virtqueue.open(new QueueLayout(SIZE, driver.layout().descriptorAddress(),
                driver.layout().availAddress(), driver.layout().usedAddress()), kind.start(),
                new RingFeatures(false, true, kind == RingKind.PACKED, false, false),
                new IdentityTranslation(VIEW, GuestMemory.Addressing.USER),
                new IdentityTranslation(VIEW, GuestMemory.Addressing.GUEST), () -> interrupts++);
        driver.interruptsOff();
        device.disableNotifications();
        submit();
        complete();
        device.publish(); // the first one always interrupts
        driver.poll();
        interrupts = 0;
    }

    /** The driver adds a chain; returns whether the device must be notified. */
    boolean submit() {
        driver.submit(List.of(new Buffer(DATA.address(), 8)), List.of());
        return driver.kickNeeded();
    }

    /** The device answers the chain that it was given. */
    void complete() {
        if (!(device.poll() instanceof Chain chain)) throw new AssertionError("the device finds no chain");
        chain.complete(0);
    }

    /** The device publishes the answer; whether the driver was interrupted. */
    boolean publish() {
        device.publish();
        return interrupts > 0;
    }

    /** The driver asks for an interrupt, then looks once more; whether it has found the answer. */
    boolean askAndLook() {
        driver.interruptEvery(1);
        VarHandle.fullFence();
        return driver.usedPending();
    }

    /** The device enables notifications, then polls once more; returns whether it has found a chain. */
    boolean listen() {
        return device.enableNotifications();
    }
}
