package sluice.vdev.loopback;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.netty.channel.IoEventLoop;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.io.EventWatch;

/**
 * A loop whose clock stands still until it is advanced: what happens after seconds can be tested in no time, and so can what
 * must not happen then. Descriptors are served at once, as by any other loop.
 */
public final class ClockedLoop implements AutoCloseable {
    private static final int LIMIT_SECONDS = 10;
    private static final long WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final MockTicker clock = Ticker.newMockTicker();
    private final Thread thread;
    private final ManualIoEventLoop loop;
    private final Fd pulse;
    private final Semaphore beats = new Semaphore(0);
    private final EventWatch watch;
    private volatile boolean ended;

    public ClockedLoop(String name) throws IOException {
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
        loop = new ManualIoEventLoop(null, thread, EpollIoHandler.newFactory(), clock);
        thread.start();
        pulse = EventFd.create();
        try {
            watch = loop.submit(() -> EventWatch.start(loop, pulse, beats::release)).get(LIMIT_SECONDS,
                    TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IOException("the loop does not begin", e);
        }
    }

    /** The loop's graceful end would wait for time to pass. */
    @SuppressWarnings("deprecation")
    private void run() {
        while (!ended)
            loop.run(WAIT_NANOS);
        loop.shutdown();
        while (!loop.isTerminated())
            loop.runNow();
    }

    public IoEventLoop loop() {
        return loop;
    }

    /** Lets time pass, and waits until everything that is due by then has been done. */
    public void advance(long amount, TimeUnit unit) {
        clock.advance(amount, unit);
        settle();
    }

    /** Waits until the loop has seen every descriptor that is ready now, and has done what it has to do. */
    public void settle() {
        try {
            EventFd.signal(pulse);
        } catch (ErrnoException e) {
            throw new AssertionError(e);
        }
        await(() -> beats.tryAcquire(LIMIT_SECONDS, TimeUnit.SECONDS));
        // The first may come before a timer that is due; the second is behind it, and behind the descriptors that were found
        // ready together with ours.
        for (int i = 0; i < 2; i++) await(() -> loop.submit(() -> {}).await(LIMIT_SECONDS, TimeUnit.SECONDS));
    }

    private interface Step {
        boolean done() throws InterruptedException;
    }

    private static void await(Step step) {
        try {
            if (!step.done()) throw new AssertionError("the loop is at work for ever");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Ends the loop and the descriptor that it was watched by. */
    @Override
    public void close() {
        loop.execute(() -> {
            watch.close();
            ended = true;
        });
        if (!loop.terminationFuture().awaitUninterruptibly(LIMIT_SECONDS, TimeUnit.SECONDS))
            throw new AssertionError("the loop does not end");
    }
}
