package sluice.vdev.host;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.Fd;
import sluice.vdev.device.DeviceLoop;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.PeerLog;

/**
 * A device's loop as its host sees it: requests of a front-end, which are answered whatever comes of them, timers, and what is
 * kept for each device apart: the log of what its peers cause, and the thread that closes their descriptors.
 *
 * <p>A front-end that gets no answer waits for ever, and its VM with it. So {@link #ask} answers also when the work throws, and
 * what throws ends neither the device nor its neighbours. All methods may be called on any thread.
 */
public final class HostLoop implements DeviceLoop {
    private static final Logger LOG = LoggerFactory.getLogger(HostLoop.class);

    private final String name;
    private final IoEventLoop events;
    private final Disposal disposal;
    private final PeerLog log = new PeerLog(LOG);
    /** Requests that are not done, and when the last one was. */
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile long progress;

    /** A device on a loop that exists, which has no share of its own. */
    public HostLoop(String name, IoEventLoop events) {
        this(name, events, Budget.ofProcess().own());
    }

    /**
     * A device on a loop that exists.
     *
     * @param name the device's name in logs and reports
     * @param share from which each descriptor of its front-ends is taken
     */
    public HostLoop(String name, IoEventLoop events, Share share) {
        this.name = name;
        this.events = events;
        this.disposal = new Disposal(share);
    }

    /** A device on a loop of its own, whose thread is a daemon. */
    public static HostLoop start(String name, Share share) {
        return new HostLoop(name, Loops.start("sluice-" + name), share);
    }

    /**
     * The host's side of a device's loop.
     *
     * @throws IllegalArgumentException it is not a loop of this process
     */
    public static HostLoop of(DeviceLoop loop) {
        if (loop instanceof HostLoop own) return own;
        throw new IllegalArgumentException(loop.name() + " does not run on a loop of this process");
    }

    @Override
    public String name() {
        return name;
    }

    /** The loop itself, for those who watch descriptors. */
    public IoEventLoop events() {
        return events;
    }

    /** What the device's front-ends and its guest cause to be logged. */
    public PeerLog log() {
        return log;
    }

    /** Where descriptors are closed that its front-ends gave, and that are not eventfds. */
    public Disposal disposal() {
        return disposal;
    }

    /**
     * One step of a request, on the loop: an exception is logged, and what else the request asks for is done all the same.
     *
     * @param what for the log
     * @return whether it did not throw
     */
    boolean contain(String what, Runnable step) {
        try {
            step.run();
            return true;
        } catch (RuntimeException | Error e) {
            log.error("{}: {} failed", name, what, e);
            return false;
        }
    }

    /** Every request passes here, so that one that is never done is seen. */
    private void hand(Runnable request) {
        if (waiting.getAndIncrement() == 0) progress = System.nanoTime();
        boolean handed = false;
        try {
            events.execute(() -> {
                try {
                    request.run();
                } finally {
                    progress = System.nanoTime();
                    waiting.decrementAndGet();
                }
            });
            handed = true;
        } finally {
            if (!handed) waiting.decrementAndGet();
        }
    }

    /**
     * For how long, in nanoseconds, requests have waited and none was done: more than a moment if the device does not return
     * from a call. 0 if nothing waits.
     */
    public long stalledNanos() {
        return waiting.get() == 0 ? 0 : Math.max(0, System.nanoTime() - progress);
    }

    /**
     * Carries out a request.
     *
     * @param what for the log, should it fail
     */
    void post(String what, Runnable work) {
        hand(() -> contain(what, work));
    }

    /** Carries out a request and then runs {@code answer}, also if the work throws. */
    void ask(String what, Runnable work, Runnable answer) {
        hand(() -> {
            contain(what, work);
            contain("the answer to " + what, answer);
        });
    }

    /**
     * Carries out a request whose answer is a value.
     *
     * @param otherwise the answer if the work throws
     */
    <A> void ask(String what, A otherwise, Supplier<? extends A> work, Consumer<? super A> answer) {
        hand(() -> {
            A value = otherwise;
            try {
                value = work.get();
            } catch (RuntimeException | Error e) {
                log.error("{}: {} failed", name, what, e);
            }
            A reached = value;
            contain("the answer to " + what, () -> answer.accept(reached));
        });
    }

    /** Carries out a request with a descriptor, which is closed if the loop has ended or the work throws. */
    void take(String what, @Nullable Fd fd, Consumer<@Nullable Fd> work) {
        boolean posted = false;
        try {
            hand(() -> {
                if (!contain(what, () -> work.accept(fd)) && fd != null) disposal.close(fd);
            });
            posted = true;
        } finally {
            if (!posted && fd != null) disposal.close(fd);
        }
    }

    @Override
    public void execute(Runnable task) {
        post("a task", task);
    }

    @Override
    public Runnable after(long nanos, Runnable task) {
        Future<?> timer = events.schedule(() -> contain("a timer", task), nanos, TimeUnit.NANOSECONDS);
        return () -> timer.cancel(false);
    }

    @Override
    public Runnable every(long nanos, Runnable task) {
        Future<?> timer = events.scheduleAtFixedRate(() -> contain("a timer", task), nanos, nanos,
                TimeUnit.NANOSECONDS);
        return () -> timer.cancel(false);
    }

    /** Ends the loop's thread; what was posted before is done first. */
    public void stop() {
        Loops.stop(events);
    }
}
