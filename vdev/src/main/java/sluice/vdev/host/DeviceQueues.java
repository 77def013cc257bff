package sluice.vdev.host;

import java.util.HashSet;
import java.util.Set;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.FrontTranslation;
import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.io.NextRound;
import sluice.vdev.io.PeerLog;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * The queues of one {@link VirtioDevice} while they run, whatever transport starts and stops them: when the device looks at
 * each, and what becomes of one that stalls or breaks. Used on the device's loop.
 *
 * <p>A call of the device may throw, and a transport has to answer its front-end all the same, so nothing here does. A device
 * that fails in {@code notified} loses that queue. One that fails in another call may still hold what it should have let go of:
 * none of its queues is looked at until a reset succeeds. The first failure of each call is logged, with the call's name.
 */
public final class DeviceQueues implements DeviceContext {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceQueues.class);

    private final PeerLog log;
    private final VirtioDevice device;
    private final String name;
    private final QueueTransport transport;
    private final RunningQueue[] queues;
    private final NextRound nextRound;
    private final long pollNanos;
    /** Calls whose failure this front-end's log has; a guest can provoke one as often as it likes. */
    private final Set<String> told = new HashSet<>();
    /** A call has failed, and no reset has succeeded since. */
    private boolean failed;
    /** Between two front-ends. */
    private boolean closed;

    /** @param pollNanos see {@link DeviceContext#pollNanos} */
    public DeviceQueues(VirtioDevice device, HostLoop loop, long pollNanos, QueueTransport transport) {
        this.device = device;
        this.name = loop.name();
        this.log = loop.log();
        this.transport = transport;
        this.pollNanos = pollNanos;
        this.nextRound = new NextRound(loop.events(), this::lookAgain);
        this.queues = new RunningQueue[device.queueCount()];
        for (int i = 0; i < queues.length; i++) queues[i] = new RunningQueue();
    }

    /** The driver has settled its features. */
    public void start(long features) {
        nextRound.open();
        // What a front-end before this one has left in it must not be seen by this one.
        if (closed && failed) resetDevice();
        closed = false;
        if (failed) {
            transport.deviceFailed();
        } else {
            call("start", () -> device.start(features, this));
        }
    }

    /** Starts a queue; the device looks at it as soon as it is enabled. */
    public void startQueue(int index, Virtqueue queue) {
        queues[index].setQueue(queue);
        if (failed) return; // it keeps its position, and nobody looks at it
        queues[index].setWithDevice();
        call("startQueue", () -> device.startQueue(index, queue));
        look(index);
    }

    /** @return whether it did not throw */
    private boolean call(String call, Runnable work) {
        try {
            work.run();
            return true;
        } catch (RuntimeException | Error e) {
            if (told.add(call)) {
                log.error("{} failed in {}: its queues stop until it is reset", name, call, e);
            } else {
                LOG.debug("{} failed in {} again", name, call, e);
            }
            failed = true;
            transport.deviceFailed();
            return false;
        }
    }

    /** A range of bus addresses leads nowhere, or elsewhere, from now on; when this returns the device does not use it. */
    public void invalidated(AddressRange range) {
        call("invalidated", () -> device.invalidated(range));
    }

    /** A queue that is not enabled is not looked at; one that is from now on is to be looked at by the caller. */
    public void setEnabled(int index, boolean enabled) {
        queues[index].setEnabled(enabled);
    }

    /** Stops a queue, if it runs; the driver gets back all it can. Returns where the queue has come to, or 0. */
    public int stop(int index) {
        RunningQueue running = queues[index];
        Virtqueue queue = running.queue();
        if (queue == null) return 0;
        if (running.isWithDevice()) call("stopQueue", () -> device.stopQueue(index));
        try {
            giveBack(index, queue);
            if (queue.inFlight() > 0) log.warn("{}: queue {} stops with {} chains open", name, index, queue.inFlight());
            return queue.position();
        } finally {
            queue.stop();
            running.setQueue(null);
        }
    }

    /** Nobody will look at the queue any more: the driver gets what was completed, or the log says why not. */
    private void giveBack(int index, Virtqueue queue) {
        switch (queue.publish()) {
            case Polled.Stalled stalled ->
                log.warn("{}: queue {} stops and cannot tell what it has done: its used ring at 0x{} is not mapped",
                        name, index,
                        Long.toHexString(stalled.address()));
            case Polled.Broken broken ->
                log.warn("{}: queue {} stops and cannot tell what it has done: {}", name, index, broken.reason());
            case Polled.Empty _,Chain _ -> {
            }
        }
    }

    /** Stops all queues and puts the device back to power-on. What is enabled stays so. */
    public void reset() {
        for (int i = 0; i < queues.length; i++) stop(i);
        resetDevice();
    }

    private void resetDevice() {
        if (call("reset", device::reset)) failed = false;
    }

    /** {@link #reset}, with nothing enabled; the loop is left alone from now on. */
    public void close() {
        reset();
        for (RunningQueue queue : queues) queue.setEnabled(false);
        nextRound.close();
        told.clear();
        closed = true;
    }

    /** Lets the device look at a queue, if it runs. */
    public void look(int index) {
        RunningQueue running = queues[index];
        Virtqueue queue = running.queue();
        if (queue == null || failed || !running.isRunning() || !transport.mayRun()) return;
        try {
            device.notified(index);
        } catch (RuntimeException | Error e) {
            running.setBroken();
            log.error("{} failed in notified: queue {} stops until the device is reset", name, index, e);
            giveBack(index, queue);
            queue.stop();
            transport.broken(index, new Polled.Broken("the device has failed"));
        }
    }

    /** Lets the device look at all queues that run. */
    public void lookAtAll() {
        for (int i = 0; i < queues.length; i++) look(i);
    }

    /** Lets the device look at the queues that lacked an address. */
    public void lookAtStalled() {
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].isStalled()) continue;
            queues[i].setStalled(false);
            Virtqueue queue = queues[i].queue();
            if (queue != null && queues[i].isBroken()) {
                // What it has done before it broke is still to be given back.
                if (queue.publish() instanceof Polled.Stalled) queues[i].setStalled(true);
            } else {
                look(i);
            }
        }
    }

    @Override
    public FrontTranslation memory() {
        return transport.memory();
    }

    @Override
    public void bufferReleased() {
        transport.bufferReleased();
    }

    @Override
    public void configChanged() {
        transport.configChanged();
    }

    @Override
    public SharedWindow window(int id) {
        return transport.window(id);
    }

    @Override
    public long pollNanos() {
        return pollNanos;
    }

    @Override
    public void callAgain(int index) {
        queues[index].setDue(true);
        nextRound.request();
    }

    private void lookAgain() {
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].isDue()) continue;
            queues[i].setDue(false);
            look(i);
        }
    }

    @Override
    public void stalled(int index, Polled.Stalled where) {
        LOG.trace("{}: queue {} waits for address 0x{}", name, index, Long.toHexString(where.address()));
        queues[index].setStalled(true);
    }

    @Override
    public void broken(int index, Polled.Broken why) {
        RunningQueue running = queues[index];
        if (running.isBroken()) return;
        running.setBroken();
        if (why.unmapped()) {
            log.info("{}: queue {} stops: {}, says the VM's IOMMU; its driver has gone", name, index, why.reason());
        } else {
            log.error("{}: queue {} stops until the device is reset: {}", name, index, why.reason());
        }
        transport.broken(index, why);
    }
}
