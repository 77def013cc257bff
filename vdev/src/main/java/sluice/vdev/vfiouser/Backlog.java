package sluice.vdev.vfiouser;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import io.netty.channel.Channel;

/**
 * What a client has asked for that is not over yet, with an answer or without. While it is too much nothing more is read from
 * the client: what it sends waits in its socket, and nothing is lost. Reading goes on when half of it is done.
 */
final class Backlog {
    /** Commands; QEMU posts the maps of one transaction without waiting, at most 1024. */
    static final int MAX_COMMANDS = 4096;
    /** Bytes that commands keep, or that their answers will have. */
    static final int MAX_BYTES = 8 << 20;
    /** Descriptors that commands keep, or that their answers will have. */
    static final int MAX_FDS = 1024;

    /** A write of a list with its 8 bytes, as it is kept. */
    private static final int LISTED_WRITE_BYTES = 64;

    private final Channel channel;
    private final AtomicInteger commands = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicInteger fds = new AtomicInteger();
    private final AtomicBoolean stopped = new AtomicBoolean();

    Backlog(Channel channel) {
        this.channel = channel;
    }

    /** The bytes that a command counts for. */
    static int bytes(ClientMessage message) {
        return switch (message) {
            case ClientMessage.RegionWrite write -> write.bytes().length;
            case ClientMessage.WriteMulti multi -> multi.writes().size() * LISTED_WRITE_BYTES;
            case ClientMessage.RegionRead read -> read.count();
            case ClientMessage.SetIrqs set -> set.choice().length;
            default -> 0;
        };
    }

    /** The descriptors that a command counts for. That of a DMA_MAP is closed at once. */
    static int fds(ClientMessage message) {
        return switch (message) {
            case ClientMessage.SetIrqs set -> set.fds().size();
            // A region that is memory is answered with its file.
            case ClientMessage.GetRegionInfo _ -> 1;
            default -> 0;
        };
    }

    /** A command has come. On the control loop; one that goes beyond a limit is the last that is read for now. */
    void begin(int itsBytes, int itsFds) {
        boolean full = commands.incrementAndGet() >= MAX_COMMANDS;
        full |= bytes.addAndGet(itsBytes) >= MAX_BYTES;
        full |= fds.addAndGet(itsFds) >= MAX_FDS;
        if (!full) return;
        channel.config().setAutoRead(false);
        stopped.set(true);
        // All may have ended before anybody could see that reading was stopped.
        if (isHalfEmpty() && stopped.compareAndSet(true, false)) channel.config().setAutoRead(true);
    }

    /** A command is over. On any thread. */
    void end(int itsBytes, int itsFds) {
        commands.decrementAndGet();
        bytes.addAndGet(-itsBytes);
        fds.addAndGet(-itsFds);
        if (stopped.get() && isHalfEmpty() && stopped.compareAndSet(true, false))
            channel.eventLoop().execute(() -> channel.config().setAutoRead(true));
    }

    private boolean isHalfEmpty() {
        return commands.get() <= MAX_COMMANDS / 2 && bytes.get() <= MAX_BYTES / 2 && fds.get() <= MAX_FDS / 2;
    }
}
