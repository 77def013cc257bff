package sluice.vdev.io;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import io.netty.channel.Channel;

/**
 * Counts the requests of a front-end that are in progress, answered or not. Above a limit the socket is not read;
 * further messages wait in it, and nothing is lost. Reading resumes when half of the requests are done.
 */
public final class Backlog {
    /**
     * Upper limits of what may be in progress.
     *
     * @param messages of any kind
     * @param bytes that messages keep, or that their answers will have
     * @param fds that messages keep, or that their answers will have, and as many again that are still to be closed
     */
    public record Limits(int messages, int bytes, int fds) {}

    private final Channel channel;
    private final Disposal disposal;
    private final Limits limits;
    private final AtomicInteger messages = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicInteger fds = new AtomicInteger();
    private final AtomicBoolean stopped = new AtomicBoolean();

    /** @param disposal closes the front-end's descriptors and notifies the newest backlog */
    public Backlog(Channel channel, Disposal disposal, Limits limits) {
        this.channel = channel;
        this.disposal = disposal;
        this.limits = limits;
        disposal.onLess(this::goOnIfLess);
    }

    /**
     * Counts a message that has arrived. Called on the control loop; a message that exceeds a limit is the last one
     * read until {@link #end}.
     */
    public void begin(int itsBytes, int itsFds) {
        boolean full = messages.incrementAndGet() >= limits.messages;
        full |= bytes.addAndGet(itsBytes) >= limits.bytes;
        full |= fds.addAndGet(itsFds) >= limits.fds;
        full |= disposal.pending() >= limits.fds;
        if (!full) return;
        channel.config().setAutoRead(false);
        stopped.set(true);
        // All requests may have ended before reading was stopped.
        if (isHalfEmpty() && stopped.compareAndSet(true, false)) channel.config().setAutoRead(true);
    }

    /** A message has been handled. On any thread. */
    public void end(int itsBytes, int itsFds) {
        messages.decrementAndGet();
        bytes.addAndGet(-itsBytes);
        fds.addAndGet(-itsFds);
        goOnIfLess();
    }

    private void goOnIfLess() {
        if (stopped.get() && isHalfEmpty() && stopped.compareAndSet(true, false))
            channel.eventLoop().execute(() -> channel.config().setAutoRead(true));
    }

    private boolean isHalfEmpty() {
        return messages.get() <= limits.messages / 2 && bytes.get() <= limits.bytes / 2
                && fds.get() <= limits.fds / 2 && disposal.pending() <= limits.fds / 2;
    }
}
