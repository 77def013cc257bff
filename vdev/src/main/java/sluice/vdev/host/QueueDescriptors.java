package sluice.vdev.host;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.io.EventWatch;
import sluice.vdev.io.PeerLog;
import sluice.vdev.queue.Interrupt;

/** The eventfds of one queue, which a front-end may set or remove at any time. Used on the device's loop. */
final class QueueDescriptors implements Interrupt, AutoCloseable {
    private final PeerLog log;
    private @Nullable EventWatch kick;
    private @Nullable Fd call;
    private @Nullable Fd error;

    QueueDescriptors(PeerLog log) {
        this.log = log;
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

    private void signal(@Nullable Fd eventfd, String name) {
        if (eventfd == null) return; // the driver polls
        try {
            EventFd.signal(eventfd);
        } catch (ErrnoException e) {
            log.warn("the {} eventfd cannot be signalled: {}", name, e.getMessage());
        }
    }

    @Override
    public void close() {
        setKick(null);
        setCall(null);
        setError(null);
    }
}
