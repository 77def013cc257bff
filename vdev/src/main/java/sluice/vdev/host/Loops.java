package sluice.vdev.host;

import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.RejectedExecutionHandlers;

/** The threads of a Sluice process: one control loop, which never waits, and one loop for each device. */
public final class Loops {
    /** Longest time for which tasks run before the loop polls its descriptors again. */
    private static final int TASK_MILLIS = 2;

    private Loops() {}

    /** A loop with a daemon thread of its own. */
    public static IoEventLoop start(String name) {
        IoEventLoopGroup group = new OneLoop(name);
        return group.next();
    }

    /** Netty would let tasks that post tasks run for a second before it polls descriptors. */
    private static final class OneLoop extends MultiThreadIoEventLoopGroup {
        OneLoop(String name) {
            super(1, new DefaultThreadFactory(name, true), EpollIoHandler.newFactory());
        }

        @Override
        protected IoEventLoop newChild(Executor executor, IoHandlerFactory ioHandlerFactory, Object... args) {
            return new SingleThreadIoEventLoop(this, executor, ioHandlerFactory, Integer.MAX_VALUE,
                    RejectedExecutionHandlers.reject(), TASK_MILLIS);
        }
    }

    /** Ends a loop after all posted tasks. */
    public static void stop(IoEventLoop loop) {
        loop.parent().shutdownGracefully(0, 2, TimeUnit.SECONDS);
    }
}
