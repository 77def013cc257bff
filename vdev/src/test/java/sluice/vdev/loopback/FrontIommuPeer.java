package sluice.vdev.loopback;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.IotlbMessage;

/**
 * The front-end's side of a VM's IOMMU, on a thread of its own: it answers misses as QEMU does, page by page and in order,
 * an update that claims read and write before the answer that says yes. Bus addresses are guest addresses; what the
 * device must not reach is denied.
 */
public final class FrontIommuPeer implements AutoCloseable {
    private static final long PAGE = 4096;
    /** Longer than any test: the thread waits for what comes. */
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int READ = 1;

    private final DeviceSession session;
    private final GuestRam ram;
    private final Set<Long> denied = ConcurrentHashMap.newKeySet();
    private final Set<Long> writeOnly = ConcurrentHashMap.newKeySet();
    private final Set<Long> readOnly = ConcurrentHashMap.newKeySet();
    private final List<IotlbMessage> misses = new ArrayList<>();
    private final Thread thread;
    private volatile boolean ended;
    private boolean paused;
    private boolean holding;
    private volatile @Nullable Throwable failure;

    /** Begins to answer for a session that has a channel for the back-end's requests. */
    public FrontIommuPeer(DeviceSession session, GuestRam ram) {
        this.session = session;
        this.ram = ram;
        thread = Thread.ofPlatform().name("front-iommu").start(this::answerAll);
    }

    /** The device must not use this page any more; the caller notifies it by {@link #invalidate}. */
    public void deny(long address) {
        denied.add(address & -PAGE);
    }

    public void allow(long address) {
        denied.remove(address & -PAGE);
    }

    /** Only writes to this page are allowed. */
    public void allowWritesOnly(long address) {
        writeOnly.add(address & -PAGE);
    }

    /** Says of this page that it may only be read, whatever is asked about; as QEMU does not, and others may. */
    public void grantReadsOnly(long address) {
        readOnly.add(address & -PAGE);
    }

    /** Answers nothing until it goes on: what QEMU does while it waits for us. */
    public synchronized void pause(boolean on) {
        paused = on;
        notifyAll();
    }

    private synchronized void awaitGoing() throws InterruptedException {
        holding = paused;
        while (paused && !ended)
            wait();
        holding = false;
    }

    private synchronized boolean isHolding() {
        return holding;
    }

    /** Waits until a question has come that is not answered because of {@link #pause}. */
    public void awaitHeldQuestion() {
        Deadline.in(Deadline.USUAL).require(this::isHolding, "a question");
    }

    /** INVALIDATE; returns when the back-end has acknowledged it. */
    public void invalidate(long address, long size) throws IOException {
        session.frontEnd().iotlb(new IotlbMessage(address, size, 0, 0, IotlbMessage.INVALIDATE));
    }

    /** What was asked so far. */
    public List<IotlbMessage> misses() {
        synchronized (misses) {
            return List.copyOf(misses);
        }
    }

    private void answerAll() {
        BackEndChannel channel = session.channel();
        try {
            while (!ended) {
                BackEndChannel.Request request = channel.receive(LIMIT);
                awaitGoing();
                answer(channel, request);
            }
        } catch (IOException | InterruptedException | AssertionError e) {
            if (!ended) failure = e;
        }
    }

    private void answer(BackEndChannel channel, BackEndChannel.Request request) throws IOException {
        IotlbMessage miss = request.iotlb();
        if (miss.type() != IotlbMessage.MISS || !request.needReply() || (miss.iova() & (PAGE - 1)) != 0)
            throw new AssertionError("not a miss as QEMU takes it: " + miss);
        synchronized (misses) {
            misses.add(miss);
        }
        boolean known = !denied.contains(miss.iova()) && !(miss.permission() == READ && writeOnly.contains(miss.iova()))
                && ram.regions().stream().anyMatch(
                        region -> Long.compareUnsigned(miss.iova() - region.guestAddress(), region.size()) < 0);
        if (known) {
            session.frontEnd().iotlb(
                    new IotlbMessage(miss.iova(), PAGE, ram.userAddress(miss.iova()),
                            readOnly.contains(miss.iova()) ? READ : 3, IotlbMessage.UPDATE));
        }
        channel.reply(request, known ? 0 : 1);
    }

    /** Ends the thread; fails the test if it met something that is not as QEMU expects it. */
    @Override
    public void close() throws IOException {
        ended = true;
        pause(false);
        session.channel().shutdown();
        try {
            thread.join(Duration.ofSeconds(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Throwable met = failure;
        if (met != null) throw new AssertionError("the front-end's IOMMU failed", met);
    }
}
