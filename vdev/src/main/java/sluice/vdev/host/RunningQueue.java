package sluice.vdev.host;

import org.jspecify.annotations.Nullable;

import sluice.vdev.queue.Virtqueue;

/** State of one queue of a device, running or stopped, on the device's loop. */
final class RunningQueue {
    private @Nullable Virtqueue queue;
    private boolean enabled;
    private boolean broken;
    private boolean due;
    private boolean stalled;
    private boolean withDevice;

    @Nullable
    Virtqueue queue() {
        return queue;
    }

    void setQueue(@Nullable Virtqueue next) {
        queue = next;
        broken = false;
        stalled = false;
        withDevice = false;
    }

    /** Whether the device was notified of the start and must be notified of the stop. */
    boolean isWithDevice() {
        return withDevice;
    }

    void setWithDevice() {
        withDevice = true;
    }

    boolean isBroken() {
        return broken;
    }

    /** The driver broke a rule: the queue is not polled until it is restarted. */
    void setBroken() {
        broken = true;
    }

    /** Whether the device has asked to poll it in the loop's next round. */
    boolean isDue() {
        return due;
    }

    void setDue(boolean next) {
        due = next;
    }

    /** Whether it waits for a translation requested from the IOMMU. */
    boolean isStalled() {
        return stalled;
    }

    void setStalled(boolean next) {
        stalled = next;
    }

    void setEnabled(boolean next) {
        enabled = next;
    }

    /** Whether the device may poll it now. */
    boolean isRunning() {
        return enabled && !broken && queue != null;
    }
}
