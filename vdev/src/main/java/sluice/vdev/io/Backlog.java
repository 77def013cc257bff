package sluice.vdev.io;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import io.netty.channel.Channel;

/**
 * What a front-end has asked for that is not over yet, with an answer or without. While it is too much nothing more is read
 * from the front-end: what it sends waits in its socket, and nothing is lost. Reading goes on when half of it is done.
 */
public final class Backlog {
    /**
     * The most that may be under way.
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

    /** @param disposal where the front-end's descriptors are closed; of its backlogs the newest is told */
    public Backlog(Channel channel, Disposal disposal, Limits limits) {
        this.channel = channel;
        this.disposal = disposal;
        this.limits = limits;
        disposal.onLess(this::goOnIfLess);
    }

    /** A message has come. On the control loop; one that goes beyond a limit is the last that is read for now. */
    public void begin(int itsBytes, int itsFds) {
        boolean full = messages.incrementAndGet() >= limits.messages;
        full |= bytes.addAndGet(itsBytes) >= limits.bytes;
        full |= fds.addAndGet(itsFds) >= limits.fds;
        full |= disposal.pending() >= limits.fds;
        if (!full) return;
        channel.config().setAutoRead(false);
        stopped.set(true);
        // All may have ended before anybody could see that reading was stopped.
        if (isHalfEmpty() && stopped.compareAndSet(true, false)) channel.config().setAutoRead(true);
    }

    /** A message is over. On any thread. */
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
