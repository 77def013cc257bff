package sluice.vdev.console;

import io.netty.channel.Channel;

/** A connection, and the time for which it has kept the console waiting. On the console's loop. */
final class Peer {
    private final Channel channel;
    private final boolean isTooMany;
    /** When the next request was awaited first. */
    private long awaitedSince = System.nanoTime();
    /** When it stopped reading; 0 while it reads. */
    private long stalledSince;
    private boolean isUpgraded;

    /** @param isTooMany whether its first request is refused */
    Peer(Channel channel, boolean isTooMany) {
        this.channel = channel;
        this.isTooMany = isTooMany;
    }

    Channel channel() {
        return channel;
    }

    boolean isTooMany() {
        return isTooMany;
    }

    /** It has asked for something. */
    void asked() {
        awaitedSince = System.nanoTime();
    }

    /** It is a viewer from now on, whose pace the server of the screen watches. */
    void upgraded() {
        isUpgraded = true;
    }

    /** It is told to go, and has as long for it as for a request. */
    void leaves() {
        isUpgraded = false;
        awaitedSince = System.nanoTime();
    }

    void writability(boolean isWritable) {
        stalledSince = isWritable ? 0 : System.nanoTime();
    }

    /** Whether it takes longer than it may. */
    boolean isLate(long now, ConsoleLimits limits) {
        if (stalledSince != 0) return now - stalledSince > limits.stall().toNanos();
        return !isUpgraded && now - awaitedSince > limits.request().toNanos();
    }

    @Override
    public String toString() {
        return String.valueOf(channel.remoteAddress()).replaceFirst("^.*/", "");
    }
}
