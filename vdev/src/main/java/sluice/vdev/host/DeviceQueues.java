package sluice.vdev.host;

import io.netty.channel.IoEventLoop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.io.NextRound;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * The queues of one {@link VirtioDevice} while they run, whatever transport starts and stops them: when the device looks at
 * each, and what becomes of one that stalls or breaks. Used on the device's loop.
 */
public final class DeviceQueues implements DeviceContext {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceQueues.class);

    private final VirtioDevice device;
    private final QueueTransport transport;
    private final RunningQueue[] queues;
    private final NextRound nextRound;
    private final long pollNanos;

    /** @param pollNanos see {@link DeviceContext#pollNanos} */
    public DeviceQueues(VirtioDevice device, IoEventLoop loop, long pollNanos, QueueTransport transport) {
        this.device = device;
        this.transport = transport;
        this.pollNanos = pollNanos;
        this.nextRound = new NextRound(loop, this::lookAgain);
        this.queues = new RunningQueue[device.queueCount()];
        for (int i = 0; i < queues.length; i++) queues[i] = new RunningQueue();
    }

    /** The driver has settled its features. */
    public void start(long features) {
        nextRound.open();
        device.start(features, this);
    }

    /** Starts a queue; the device looks at it as soon as it is enabled. */
    public void startQueue(int index, Virtqueue queue) {
        queues[index].setQueue(queue);
        device.startQueue(index, queue);
        look(index);
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
        device.stopQueue(index);
        if (queue.publish() instanceof Polled.Stalled stalled) {
            LOG.warn("queue {} stops and cannot tell what it has done: its used ring at 0x{} is not mapped", index,
                    Long.toHexString(stalled.address()));
        }
        if (queue.inFlight() > 0) {
            LOG.warn("queue {} stops with {} chains open", index, queue.inFlight());
        }
        int position = queue.position();
        queue.stop();
        running.setQueue(null);
        return position;
    }

    /** Stops all queues and puts the device back to power-on. */
    public void reset() {
        for (int i = 0; i < queues.length; i++) stop(i);
        device.reset();
    }

    /** {@link #reset}, with nothing enabled; the loop is left alone from now on. */
    public void close() {
        reset();
        for (RunningQueue queue : queues) queue.setEnabled(false);
        nextRound.close();
    }

    /** Lets the device look at a queue, if it runs. */
    public void look(int index) {
        if (!queues[index].isRunning() || !transport.mayRun()) return;
        try {
            device.notified(index);
        } catch (RuntimeException | Error e) {
            broken(index, new Polled.Broken("internal error: " + e));
            LOG.error("queue {} failed", index, e);
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
            look(i);
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
        LOG.trace("queue {} waits for address 0x{}", index, Long.toHexString(where.address()));
        queues[index].setStalled(true);
    }

    @Override
    public void broken(int index, Polled.Broken why) {
        RunningQueue running = queues[index];
        if (running.isBroken()) return;
        running.setBroken();
        if (why.unmapped()) {
            LOG.info("queue {} stops: {}, says the VM's IOMMU; its driver has gone", index, why.reason());
        } else {
            LOG.error("queue {} stops until the device is reset: {}", index, why.reason());
        }
        Virtqueue queue = running.queue();
        if (queue != null) queue.stop();
        transport.broken(index, why);
    }
}
