package sluice.vdev.loopback;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.Deadline;

/**
 * A guest that does nothing wrong, in the same process as one that does, and how long the answers to it take: of the control
 * loop, which it shares, and of its own device. On a quiet machine all take far less than 50 ms; on a busy one half of them
 * still do, and none takes as long as what is wrong, which is seconds.
 */
public final class Neighbour implements AutoCloseable {
    private static final long USUAL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long LIMIT_MILLIS = 2000;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    /** While nothing has been compiled yet. */
    private static final int ALLOWANCE = 20;
    private static final Duration ROUND_LIMIT = Duration.ofSeconds(20);
    /** No resource has this number. */
    private static final int NO_RESOURCE = 999;

    private final GpuBackEnd backEnd;
    private final AttachedGpu gpu;
    private final Thread thread = new Thread(this::run, "neighbour");
    private volatile boolean stopping;
    private final AtomicInteger rounds = new AtomicInteger();
    private final AtomicLong slowestNanos = new AtomicLong();
    private final AtomicInteger slow = new AtomicInteger();
    private volatile @Nullable Throwable failure;

    /** A device beside {@code attacked}, with a guest of its own that asks on and on. */
    public Neighbour(GpuBackEnd attacked) throws IOException {
        backEnd = GpuBackEnd.beside(attacked);
        gpu = AttachedGpu.start(backEnd);
        thread.setDaemon(true);
        thread.start();
        awaitRounds(20); // code that runs for the first time is slow
        slowestNanos.set(0);
    }

    private void run() {
        try {
            while (!stopping) {
                long begin = System.nanoTime();
                gpu.session().frontEnd().getQueueNum();
                long answered = System.nanoTime();
                gpu.driver().unref(NO_RESOURCE);
                long done = System.nanoTime();
                long slower = Math.max(answered - begin, done - answered);
                slowestNanos.accumulateAndGet(slower, Math::max);
                if (slower > USUAL_NANOS) slow.incrementAndGet();
                rounds.incrementAndGet();
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } catch (IOException | RuntimeException | AssertionError e) {
            failure = e;
        }
    }

    /** Waits until it was answered so often once more. */
    public void awaitRounds(int more) {
        int wanted = rounds.get() + more;
        Deadline.in(ROUND_LIMIT).require(() -> rounds.get() >= wanted || failure != null,
                more + " answers to the neighbour");
        requireServed();
    }

    /** Fails the test if an answer was missing, or took too long. */
    public void requireServed() {
        Throwable found = failure;
        if (found != null) throw new AssertionError("the neighbour was not served", found);
        long slowest = TimeUnit.NANOSECONDS.toMillis(slowestNanos.get());
        if (slowest > LIMIT_MILLIS)
            throw new AssertionError("an answer to the neighbour took %d ms".formatted(slowest));
        if (2 * slow.get() > rounds.get() + ALLOWANCE)
            throw new AssertionError("%d of %d answers to the neighbour were slow".formatted(slow.get(), rounds.get()));
    }

    @Override
    public void close() throws IOException {
        stopping = true;
        try {
            thread.join(ROUND_LIMIT);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        gpu.close();
        backEnd.close();
    }
}
