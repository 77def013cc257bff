package sluice.vdev.host;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.vdev.device.Workers;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** Threads for what takes long, and whose turn it is. */
@Timeout(30)
class WorkerPoolTest {
    private static final int JOBS = 50;

    private final WorkerPool pool = new WorkerPool(1);
    private final HostLoop loop = HostLoop.start("first", Budget.ofProcess().own());
    private final HostLoop otherLoop = HostLoop.start("second", Budget.ofProcess().own());
    private final Workers first = pool.of(loop);
    private final Workers second = pool.of(otherLoop);
    private final CountDownLatch free = new CountDownLatch(1);

    @AfterEach
    void end() {
        pool.close();
        loop.stop();
        otherLoop.stop();
    }

    private void occupy() {
        CountDownLatch begun = new CountDownLatch(1);
        assertThat(first.submit("the job that is there", () -> {
            begun.countDown();
            await(free);
        }, () -> {})).isTrue();
        await(begun);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void workIsDoneElsewhereAndTheRestOnTheLoop() {
        CountDownLatch done = new CountDownLatch(1);
        List<String> threads = new CopyOnWriteArrayList<>();
        assertThat(first.submit("work", () -> threads.add(Thread.currentThread().getName()), () -> {
            threads.add(loop.events().inEventLoop() ? "the loop" : "no loop");
            done.countDown();
        })).isTrue();
        await(done);
        assertThat(threads).containsExactly("sluice-worker-1", "the loop");
    }

    @Test
    void theThreadThatWorkedLastWorksNext() {
        try (WorkerPool two = new WorkerPool(2)) {
            Workers workers = two.of(loop);
            CountDownLatch both = new CountDownLatch(2);
            CountDownLatch idle = new CountDownLatch(2);
            for (int i = 0; i < 2; i++) {
                workers.submit("one of two", () -> {
                    both.countDown();
                    await(both);
                }, idle::countDown);
            }
            await(idle);
            Set<String> names = ConcurrentHashMap.newKeySet();
            for (int i = 0; i < JOBS; i++) {
                CountDownLatch done = new CountDownLatch(1);
                workers.submit("the next", () -> names.add(Thread.currentThread().getName()), done::countDown);
                await(done);
            }
            assertThat(names).hasSize(1);
        }
    }

    @Test
    void whatThrowsIsLoggedAndDoneAllTheSame() {
        CountDownLatch done = new CountDownLatch(1);
        try (LogTap log = new LogTap()) {
            first.submit("a picture", () -> {
                throw new IllegalStateException("no");
            }, done::countDown);
            await(done);
            assertThat(log.count("first: a picture failed")).isEqualTo(1);
        }
    }

    @Test
    void aLostWorkerIsReplacedUpToALimit() {
        List<Thread> lost = new CopyOnWriteArrayList<>();
        CountDownLatch ended = new CountDownLatch(Workers.MOST_LOST + 1);
        for (int i = 0; i <= Workers.MOST_LOST; i++) {
            CountDownLatch begun = new CountDownLatch(1);
            assertThat(first.submit("a job that does not end", () -> {
                lost.add(Thread.currentThread());
                begun.countDown();
                await(free);
            }, ended::countDown)).isTrue();
            await(begun);
            assertThat(first.replace(lost.getLast())).as("worker %d", i).isEqualTo(i < Workers.MOST_LOST);
        }
        CountDownLatch last = new CountDownLatch(1);
        assertThat(second.submit("a job that waits", () -> {}, last::countDown)).isTrue();
        free.countDown();
        await(ended);
        await(last);
        // Those that came back have ended, and the pool is as large as before.
        occupyNot();
    }

    /** One job at a time again. */
    private void occupyNot() {
        List<String> threads = new CopyOnWriteArrayList<>();
        CountDownLatch done = new CountDownLatch(3);
        for (int i = 0; i < 3; i++)
            assertThat(first.submit("work", () -> threads.add(Thread.currentThread().getName()), done::countDown))
                    .isTrue();
        await(done);
        assertThat(threads).hasSize(3).containsOnly(threads.getFirst());
    }

    /** The law: between two jobs of one device each other device that waits has one done. */
    @Test
    void aDeviceWithManyJobsDelaysAnotherByOne() {
        occupy();
        List<String> order = new CopyOnWriteArrayList<>();
        CountDownLatch done = new CountDownLatch(6);
        for (int i = 0; i < 4; i++) {
            String name = "first " + i;
            first.submit(name, () -> order.add(name), done::countDown);
        }
        for (int i = 0; i < 2; i++) {
            String name = "second " + i;
            second.submit(name, () -> order.add(name), done::countDown);
        }
        free.countDown();
        await(done);
        assertThat(order).containsExactly("first 0", "second 0", "first 1", "second 1", "first 2", "first 3");
    }

    @Test
    void soManyJobsAndNoMore() {
        occupy();
        CountDownLatch done = new CountDownLatch(Workers.LIMIT - 1);
        for (int i = 1; i < Workers.LIMIT; i++)
            assertThat(first.submit("job " + i, () -> {}, done::countDown)).as("job %d", i).isTrue();
        assertThat(first.submit("one too many", () -> {}, () -> {})).isFalse();
        assertThat(second.submit("another's", () -> {}, () -> {})).as("another device has its own limit").isTrue();
        free.countDown();
        await(done);
        assertThat(first.submit("later", () -> {}, () -> {})).isTrue();
    }

    /** A device that is closed while its job is under way takes no thread with it. */
    @Test
    void aDeviceThatHasGoneLeavesThePoolAsItWas() {
        occupy();
        loop.stop();
        assertThat(loop.events().terminationFuture().awaitUninterruptibly(10, TimeUnit.SECONDS)).isTrue();
        free.countDown();
        CountDownLatch done = new CountDownLatch(1);
        second.submit("another's", () -> {}, done::countDown);
        await(done);
    }

    @Test
    void afterTheEndNothingIsTaken() {
        pool.close();
        assertThat(first.submit("too late", () -> {}, () -> {})).isFalse();
    }
}
