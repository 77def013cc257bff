package sluice.vdev.host;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.io.EventWatch;
import sluice.vdev.queue.Interrupt;
import sluice.vdev.queue.Virtqueue;

/**
 * One queue of a device on its loop: its descriptors, which come and go at any time, and the queue itself while it runs.
 */
final class RunningQueue implements Interrupt {
    private static final Logger LOG = LoggerFactory.getLogger(RunningQueue.class);

    private @Nullable EventWatch kick;
    private @Nullable Fd call;
    private @Nullable Fd error;
    private @Nullable Virtqueue queue;
    private boolean enabled;
    private boolean broken;
    private boolean due;
    private boolean stalled;
    /** Has the queue looked at; what kicks are for. */
    final Runnable look;

    RunningQueue(Runnable look) {
        this.look = look;
    }

    @Nullable
    Virtqueue queue() {
        return queue;
    }

    void setQueue(@Nullable Virtqueue next) {
        queue = next;
        broken = false;
        stalled = false;
    }

    boolean isBroken() {
        return broken;
    }

    /** The driver broke a rule: nobody looks at the queue until it is started anew. */
    void setBroken() {
        broken = true;
    }

    /** Whether the device wants to look at it in the loop's next round. */
    boolean isDue() {
        return due;
    }

    void setDue(boolean next) {
        due = next;
    }

    /** Whether it waits for an address that its IOMMU was asked for. */
    boolean isStalled() {
        return stalled;
    }

    void setStalled(boolean next) {
        stalled = next;
    }

    boolean isEnabled() {
        return enabled;
    }

    void setEnabled(boolean next) {
        enabled = next;
    }

    /** Whether the device may work on it now. */
    boolean isRunning() {
        return enabled && !broken && queue != null;
    }

    void setKick(@Nullable EventWatch next) {
        EventWatch old = kick;
        kick = next;
        if (old != null) old.close();
    }

    void setCall(@Nullable Fd next) {
        Fd old = call;
        call = next;
        if (old != null) old.close();
    }

    void setError(@Nullable Fd next) {
        Fd old = error;
        error = next;
        if (old != null) old.close();
    }

    @Override
    public void raise() {
        signal(call, "call");
    }

    void raiseError() {
        signal(error, "error");
    }

    private static void signal(@Nullable Fd eventfd, String name) {
        if (eventfd == null) return; // the driver polls
        try {
            EventFd.signal(eventfd);
        } catch (ErrnoException e) {
            LOG.warn("the {} eventfd cannot be signalled: {}", name, e.getMessage());
        }
    }

    void close() {
        setKick(null);
        setCall(null);
        setError(null);
    }
}
