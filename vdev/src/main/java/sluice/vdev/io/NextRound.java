package sluice.vdev.io;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;

/**
 * Runs an action again after the loop has polled its descriptors.
 *
 * <p>A task that posts itself to a Netty loop runs 64 times or more before the loop polls a descriptor, however long
 * each run takes. So this uses an eventfd, which is polled in turn with all other descriptors.
 */
public final class NextRound implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NextRound.class);

    private final IoEventLoop loop;
    private final Runnable action;
    private @Nullable Fd event;
    private @Nullable EventWatch watch;
    private boolean requested;

    public NextRound(IoEventLoop loop, Runnable action) {
        this.loop = loop;
        this.action = action;
    }

    /** Creates the eventfd, unless it exists. Called on the loop, like all methods here. */
    public void open() {
        if (event != null) return;
        try {
            Fd made = EventFd.create();
            watch = EventWatch.start(loop, made, this::run);
            event = made;
        } catch (ErrnoException e) {
            LOG.error("no event descriptor for the loop: {}", e.getMessage());
        }
    }

    /** Runs the action once in the loop's next round, even if requested several times. */
    public void request() {
        if (requested) return;
        requested = true;
        Fd present = event;
        if (present == null) {
            loop.execute(this::run);
            return;
        }
        try {
            EventFd.signal(present);
        } catch (ErrnoException e) {
            LOG.error("the loop's own event descriptor cannot be signalled: {}", e.getMessage());
            loop.execute(this::run);
        }
    }

    private void run() {
        if (!requested) return;
        requested = false;
        action.run();
    }

    /** Closes the eventfd; pending requests are dropped. */
    @Override
    public void close() {
        EventWatch open = watch;
        watch = null;
        event = null;
        requested = false;
        if (open != null) open.close();
    }
}
