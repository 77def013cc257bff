package sluice.vdev.host;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.Workers;

/**
 * The process's threads for long work, one per processor. Devices with pending jobs are served round-robin, one job at
 * a time, so a device with many jobs delays another device by at most one job.
 */
public final class WorkerPool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerPool.class);

    private final Deque<Ticket> row = new ArrayDeque<>();
    private final int most;
    private int threads;
    private int started;
    /** Threads that are not counted on: their jobs do not end. */
    private final Set<Thread> lost = new HashSet<>();
    private int idle;
    private boolean closed;

    /** A pool with one daemon thread per processor of the host, created on demand. */
    public WorkerPool() {
        this(Runtime.getRuntime().availableProcessors());
    }

    WorkerPool(int threads) {
        this.most = threads;
    }

    private record Job(String what, Runnable work, Runnable done) {}

    /** A device's place in the round-robin queue, held while one of its jobs is pending. */
    private static final class Ticket {
        private final HostLoop loop;
        private final Deque<Job> waiting = new ArrayDeque<>();
        private int taken;

        Ticket(HostLoop loop) {
            this.loop = loop;
        }
    }

    /** The workers of a device on this loop. */
    public Workers of(HostLoop loop) {
        Ticket ticket = new Ticket(loop);
        return new Workers() {
            @Override
            public boolean submit(String what, Runnable work, Runnable done) {
                return WorkerPool.this.submit(ticket, new Job(what, work, done));
            }

            @Override
            public boolean replace(Thread lost) {
                return WorkerPool.this.replace(lost);
            }
        };
    }

    private synchronized boolean replace(Thread worker) {
        if (lost.contains(worker)) return true;
        if (lost.size() == Workers.MOST_LOST) return false;
        lost.add(worker);
        if (!row.isEmpty() && idle == 0) start();
        return true;
    }

    private void start() {
        Thread.ofPlatform().daemon().name("sluice-worker-" + ++started).start(this::work);
        threads++;
    }

    private synchronized boolean submit(Ticket ticket, Job job) {
        if (closed || ticket.taken == Workers.LIMIT) return false;
        ticket.taken++;
        ticket.waiting.add(job);
        if (ticket.waiting.size() == 1) row.add(ticket);
        if (idle == 0 && threads - lost.size() < most) {
            start();
        } else {
            notify();
        }
        return true;
    }

    private void work() {
        for (;;) {
            Ticket ticket;
            Job job;
            synchronized (this) {
                ticket = next();
                if (ticket == null) return;
                job = ticket.waiting.remove();
                if (!ticket.waiting.isEmpty()) row.add(ticket);
            }
            ticket.loop.contain(job.what, job.work);
            synchronized (this) {
                ticket.taken--;
            }
            try {
                ticket.loop.post(job.what, job.done);
            } catch (RejectedExecutionException e) {
                // The device was closed in the meantime.
                LOG.debug("{}: {} ends after the device", ticket.loop.name(), job.what, e);
            }
            if (wasLost()) return;
        }
    }

    /** Whether another thread has taken the place of this one. */
    private synchronized boolean wasLost() {
        if (!lost.remove(Thread.currentThread())) return false;
        threads--;
        return true;
    }

    private synchronized @Nullable Ticket next() {
        idle++;
        try {
            while (row.isEmpty() && !closed)
                wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        } finally {
            idle--;
        }
        return closed ? null : row.remove();
    }

    /** Ends the threads after their current jobs; pending jobs are dropped. */
    @Override
    public synchronized void close() {
        closed = true;
        row.clear();
        notifyAll();
    }
}
