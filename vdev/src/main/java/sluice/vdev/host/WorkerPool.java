package sluice.vdev.host;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.Workers;

/**
 * The process's threads for long work, one per processor. Devices with pending jobs are served round-robin, one job at
 * a time, so a device with many jobs delays another device by at most one job. Of the idle threads the one that worked last is woken:
 * its processor's caches have what the job before used, as of a decoder whose units come one by one.
 */
public final class WorkerPool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerPool.class);

    private final Deque<Ticket> row = new ArrayDeque<>();
    private final int most;
    private int threads;
    private int started;
    /** Threads that are not counted on: their jobs do not end. */
    private final Set<Thread> lost = new HashSet<>();
    private final ReentrantLock lock = new ReentrantLock();
    /** Threads that wait to be woken, the one that worked last at the end. */
    private final Deque<Condition> idle = new ArrayDeque<>();
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

    private boolean replace(Thread worker) {
        lock.lock();
        try {
            if (lost.contains(worker)) return true;
            if (lost.size() == Workers.MOST_LOST) return false;
            lost.add(worker);
            if (!row.isEmpty() && idle.isEmpty()) start();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void start() {
        Thread.ofPlatform().daemon().name("sluice-worker-" + ++started).start(this::work);
        threads++;
    }

    private boolean submit(Ticket ticket, Job job) {
        lock.lock();
        try {
            if (closed || ticket.taken == Workers.LIMIT) return false;
            ticket.taken++;
            ticket.waiting.add(job);
            if (ticket.waiting.size() == 1) row.add(ticket);
            Condition woken = idle.pollLast();
            if (woken != null) woken.signal();
            else if (threads - lost.size() < most) start();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void work() {
        Condition mine = lock.newCondition();
        lock.lock();
        try {
            for (Ticket ticket = next(mine); ticket != null; ticket = next(mine)) {
                Job job = ticket.waiting.remove();
                if (!ticket.waiting.isEmpty()) row.add(ticket);
                lock.unlock();
                try {
                    ticket.loop.contain(job.what, job.work);
                } finally {
                    lock.lock();
                }
                ticket.taken--;
                // The device's next job comes when this thread is idle already.
                post(ticket.loop, job);
                if (wasLost()) return;
            }
        } finally {
            lock.unlock();
        }
    }

    private static void post(HostLoop loop, Job job) {
        try {
            loop.post(job.what, job.done);
        } catch (RejectedExecutionException e) {
            // The device was closed in the meantime.
            LOG.debug("{}: {} ends after the device", loop.name(), job.what, e);
        }
    }

    /** Whether another thread has taken the place of this one. The lock is held. */
    private boolean wasLost() {
        if (!lost.remove(Thread.currentThread())) return false;
        threads--;
        return true;
    }

    /** The next device with a job; null when the thread is to end. The lock is held. */
    private @Nullable Ticket next(Condition mine) {
        while (row.isEmpty() && !closed) {
            idle.addLast(mine);
            try {
                mine.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return null;
            } finally {
                idle.remove(mine);
            }
        }
        return closed ? null : row.remove();
    }

    /** Ends the threads after their current jobs; pending jobs are dropped. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            row.clear();
            for (Condition waiting : idle) waiting.signal();
        } finally {
            lock.unlock();
        }
    }
}
