package sluice.vdev.host;

import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;

/** The threads of a Sluice process: one control loop, which never waits, and one loop for each device. */
public final class Loops {
    private Loops() {}

    /** A loop of its own thread, which is a daemon. */
    public static IoEventLoop start(String name) {
        IoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(name, true),
                EpollIoHandler.newFactory());
        return group.next();
    }

    /** Ends a loop; what was posted before is done first. */
    public static void stop(IoEventLoop loop) {
        loop.parent().shutdownGracefully(0, 2, TimeUnit.SECONDS);
    }
}
