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
 * A device's loop as its host uses it: requests of a front-end, each of which is answered even if it fails; timers; the
 * device's rate-limited log; and the thread that closes its descriptors.
 *
 * <p>A front-end without an answer waits for ever, and its VM with it. So {@link #ask} answers even if the work throws,
 * and an exception ends neither the device nor other devices. All methods may be called on any thread.
 */
public final class HostLoop implements DeviceLoop {
    private static final Logger LOG = LoggerFactory.getLogger(HostLoop.class);

    private final String name;
    private final IoEventLoop events;
    private final Disposal disposal;
    private final PeerLog log = new PeerLog(LOG);
    /** Pending requests, and the time when the last one was completed. */
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile long progress;

    /** A device on an existing loop, without a share of its own. */
    public HostLoop(String name, IoEventLoop events) {
        this(name, events, Budget.ofProcess().own());
    }

    /**
     * A device on an existing loop.
     *
     * @param name the device's name in logs and reports
     * @param share charged for each descriptor of its front-ends
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
     * @throws IllegalArgumentException the loop is not of this process
     */
    public static HostLoop of(DeviceLoop loop) {
        if (loop instanceof HostLoop own) return own;
        throw new IllegalArgumentException(loop.name() + " does not run on a loop of this process");
    }

    @Override
    public String name() {
        return name;
    }

    /** The Netty loop, for watching descriptors. */
    public IoEventLoop events() {
        return events;
    }

    /** The rate-limited log for lines that front-ends and the guest can provoke. */
    public PeerLog log() {
        return log;
    }

    /** Closes descriptors of its front-ends, except eventfds. */
    public Disposal disposal() {
        return disposal;
    }

    /**
     * Runs one step of a request on the loop: an exception is logged, and the remaining steps still run.
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

    /** All requests pass through here, so that {@link #stalledNanos} detects one that never completes. */
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
     * Nanoseconds for which requests have been pending without one being completed; long if the device does not return
     * from a call. 0 if none is pending.
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

    /** Ends the loop's thread after all posted tasks. */
    public void stop() {
        Loops.stop(events);
    }
}
