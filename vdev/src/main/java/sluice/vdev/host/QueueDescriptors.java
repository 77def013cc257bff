package sluice.vdev.host;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.io.EventWatch;
import sluice.vdev.queue.Interrupt;

/** The event descriptors of one queue, which a front-end gives and takes at any time. Used on the device's loop. */
final class QueueDescriptors implements Interrupt, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(QueueDescriptors.class);

    private @Nullable EventWatch kick;
    private @Nullable Fd call;
    private @Nullable Fd error;

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

    @Override
    public void close() {
        setKick(null);
        setCall(null);
        setError(null);
    }
}
