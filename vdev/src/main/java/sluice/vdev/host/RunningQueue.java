package sluice.vdev.host;

import org.jspecify.annotations.Nullable;

import sluice.vdev.queue.Virtqueue;

/** One queue of a device on its loop, while it runs and while it does not. */
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

    /** Whether the device was told that it starts, and has to be told that it stops. */
    boolean isWithDevice() {
        return withDevice;
    }

    void setWithDevice() {
        withDevice = true;
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

    void setEnabled(boolean next) {
        enabled = next;
    }

    /** Whether the device may work on it now. */
    boolean isRunning() {
        return enabled && !broken && queue != null;
    }
}
