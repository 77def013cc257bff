package sluice.vdev.host;

import java.util.HashSet;
import java.util.Set;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.QueueTrace;
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
 * The running queues of one {@link VirtioDevice}, for any transport: when the device polls each, and the handling of
 * stalled and broken queues. Used on the device's loop.
 *
 * <p>A device may throw from any call, but the transport must still answer its front-end, so no method here throws. If
 * {@code notified} throws, that queue stops. If another call throws, the device may still hold resources that it should
 * have released: all of its queues stop until a reset succeeds. The first failure of each call is logged with the
 * call's name.
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
    private final QueueTrace[] traces;
    /** Calls with a logged failure, per front-end: a guest can provoke failures without limit. */
    private final Set<String> told = new HashSet<>();
    /** Whether a call has failed since the last successful reset. */
    private boolean failed;
    /** Reset between two front-ends. */
    private boolean closed;

    /**
     * No queue runs.
     *
     * @param pollNanos see {@link DeviceContext#pollNanos}
     * @param maker of the queues' traces
     */
    public DeviceQueues(VirtioDevice device, HostLoop loop, long pollNanos, QueueTransport transport,
            QueueTrace.Maker maker) {
        this.device = device;
        this.name = loop.name();
        this.log = loop.log();
        this.transport = transport;
        this.pollNanos = pollNanos;
        this.nextRound = new NextRound(loop.events(), this::lookAgain);
        this.queues = new RunningQueue[device.queueCount()];
        this.traces = new QueueTrace[queues.length];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new RunningQueue();
            traces[i] = maker.make(name + ": " + device.queueName(i));
        }
    }

    /** The trace of a queue, for {@link Virtqueue#open}. */
    public QueueTrace trace(int index) {
        return traces[index];
    }

    /** The driver has accepted features. */
    public void start(long features) {
        nextRound.open();
        // Cleared, so that a front-end cannot read data of the previous one.
        if (closed && failed) resetDevice();
        closed = false;
        if (failed) {
            transport.deviceFailed();
        } else {
            call("start", () -> device.start(features, this));
        }
    }

    /** Starts a queue; the device polls it once it is enabled. */
    public void startQueue(int index, Virtqueue queue) {
        queues[index].setQueue(queue);
        if (failed) return; // it keeps its position and is not polled
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

    /**
     * A range of bus addresses was unmapped or remapped; when this returns the device does not use its former target.
     */
    public void invalidated(AddressRange range) {
        call("invalidated", () -> device.invalidated(range));
    }

    /** Enables or disables a queue. A disabled queue is not polled; after enabling a queue, the caller polls it. */
    public void setEnabled(int index, boolean enabled) {
        queues[index].setEnabled(enabled);
    }

    /** Stops a queue, if it runs, and publishes its completed chains. Returns its position, or 0. */
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

    /** Last publication of a queue that stops; if it fails, the reason is logged. */
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

    /** Stops all queues and resets the device to power-on. Enabled queues stay enabled. */
    public void reset() {
        for (int i = 0; i < queues.length; i++) stop(i);
        resetDevice();
    }

    private void resetDevice() {
        if (call("reset", device::reset)) failed = false;
    }

    /** {@link #reset}, with all queues disabled; no further work is posted to the loop. */
    public void close() {
        reset();
        for (RunningQueue queue : queues) queue.setEnabled(false);
        nextRound.close();
        told.clear();
        closed = true;
    }

    /** Lets the device poll a queue, if it runs. */
    public void look(int index) {
        RunningQueue running = queues[index];
        Virtqueue queue = running.queue();
        if (queue == null || failed || !running.isRunning() || !transport.mayRun()) return;
        traces[index].noticed();
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

    /** Lets the device poll all running queues. */
    public void lookAtAll() {
        for (int i = 0; i < queues.length; i++) look(i);
    }

    /** Lets the device poll the queues that lacked a translation. */
    public void lookAtStalled() {
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].isStalled()) continue;
            queues[i].setStalled(false);
            Virtqueue queue = queues[i].queue();
            if (queue != null && queues[i].isBroken()) {
                // Chains completed before the queue broke are still published.
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
