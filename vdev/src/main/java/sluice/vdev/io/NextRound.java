package sluice.vdev.io;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;

/**
 * Runs an action again when the loop has looked at its descriptors.
 *
 * <p>A task that posts itself to a Netty loop is run 64 times or more before the loop looks at a descriptor, however long
 * each takes. So this goes through the kernel: an event descriptor that is watched like all the others, and gets its turn
 * among them.
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

    /** Makes the event descriptor, unless it is there already. To be called on the loop, like everything here. */
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

    /** Has the action run once in the loop's next round, however often it is requested before. */
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

    /** Gives the descriptor back; what was requested is forgotten. */
    @Override
    public void close() {
        EventWatch open = watch;
        watch = null;
        event = null;
        requested = false;
        if (open != null) open.close();
    }
}
