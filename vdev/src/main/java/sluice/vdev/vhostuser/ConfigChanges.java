package sluice.vdev.vhostuser;

import java.util.concurrent.atomic.AtomicBoolean;

import io.netty.channel.EventLoop;

/**
 * Tells the front-end that the device has changed its configuration space (VHOST_USER_BACKEND_CONFIG_CHANGE_MSG). However often
 * that happens, one message is under way and one more follows it.
 */
final class ConfigChanges implements Runnable {
    private final EventLoop control;
    private final BackEndChannel toFrontEnd;
    private final AtomicBoolean requested = new AtomicBoolean();
    /** On the control loop. */
    private boolean underWay;

    ConfigChanges(EventLoop control, BackEndChannel toFrontEnd) {
        this.control = control;
        this.toFrontEnd = toFrontEnd;
    }

    /** The configuration space is another one now. On any thread. */
    @Override
    public void run() {
        if (!requested.getAndSet(true)) control.execute(this::tell);
    }

    private void tell() {
        if (underWay || !requested.getAndSet(false)) return;
        underWay = true;
        // A front-end without the channel, or that does not answer, reads the configuration when it likes.
        toFrontEnd.request(BackEndChannel.CONFIG_CHANGE, answer -> {
            underWay = false;
            tell();
        });
    }
}
