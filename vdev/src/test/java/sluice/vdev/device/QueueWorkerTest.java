package sluice.vdev.device;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.FrontTranslation;
import sluice.iommu.Access;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.QueueRig;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Turns of work on a queue: their length, order and notifications. */
class QueueWorkerTest {
    private static final int INDEX = 3;
    private static final Polled.Stalled STALLED = new Polled.Stalled(0x1234, Access.WRITE);
    private static final Polled.Broken BROKEN = new Polled.Broken("it is broken");

    private QueueRig rig;
    private Virtqueue queue;
    private long now;
    private final Told told = new Told();
    private final Desk desk = new Desk();

    /** The worker's calls to the device's host. */
    private static final class Told implements DeviceContext {
        private final List<String> words = new ArrayList<>();
        private long pollNanos;

        @Override
        public long pollNanos() {
            return pollNanos;
        }

        @Override
        public FrontTranslation memory() {
            throw new AssertionError("a worker translates nothing");
        }

        @Override
        public void callAgain(int index) {
            words.add(index + " again");
        }

        @Override
        public void stalled(int index, Polled.Stalled where) {
            words.add(index + " " + where);
        }

        @Override
        public void broken(int index, Polled.Broken why) {
            words.add(index + " " + why);
        }
    }

    /** Work that is noted, and done at once unless it is to be kept. */
    private static final class Desk implements QueueWorker.Work {
        private final List<Integer> heads = new ArrayList<>();
        private final Deque<Chain> kept = new ArrayDeque<>();
        private Runnable during = () -> {};
        private boolean keeping;
        private boolean full;

        @Override
        public boolean isHeldBack() {
            return full;
        }

        @Override
        public void execute(Chain chain) {
            heads.add(chain.id());
            during.run();
            if (keeping) {
                kept.add(chain);
            } else {
                chain.complete();
            }
        }
    }

    /** A queue that has something done before each poll. */
    private record Watched(Virtqueue queue, Runnable before) implements Virtqueue {
        @Override
        public int size() {
            return queue.size();
        }

        @Override
        public Polled poll() {
            before.run();
            return queue.poll();
        }

        @Override
        public void takeBack(Chain chain) {
            queue.takeBack(chain);
        }

        @Override
        public Polled publish() {
            return queue.publish();
        }

        @Override
        public boolean enableNotifications() {
            return queue.enableNotifications();
        }

        @Override
        public void leavePosted() {
            queue.leavePosted();
        }

        @Override
        public void disableNotifications() {
            queue.disableNotifications();
        }

        @Override
        public int position() {
            return queue.position();
        }

        @Override
        public int inFlight() {
            return queue.inFlight();
        }

        @Override
        public void stop() {
            queue.stop();
        }
    }

    /** A queue that says what a test wants it to say, and otherwise that there is nothing. */
    private static final class Script implements Virtqueue {
        private final Deque<Polled> polls = new ArrayDeque<>();
        private final Deque<Boolean> arrivals = new ArrayDeque<>();
        private Polled published = Polled.Empty.EMPTY;
        private final List<String> calls = new ArrayList<>();

        @Override
        public int size() {
            return 8;
        }

        @Override
        public Polled poll() {
            calls.add("poll");
            return polls.isEmpty() ? Polled.Empty.EMPTY : polls.remove();
        }

        @Override
        public void takeBack(Chain chain) {
            calls.add("takeBack");
        }

        @Override
        public Polled publish() {
            calls.add("publish");
            return published;
        }

        @Override
        public boolean enableNotifications() {
            calls.add("enable");
            return !arrivals.isEmpty() && arrivals.remove();
        }

        @Override
        public void leavePosted() {
            calls.add("leavePosted");
        }

        @Override
        public void disableNotifications() {
            calls.add("disable");
        }

        @Override
        public int position() {
            return 0;
        }

        @Override
        public int inFlight() {
            return 0;
        }

        @Override
        public void stop() {
            calls.add("stop");
        }
    }

    @BeforeEach
    void start() throws Exception {
        rig = new QueueRig(256, RingFeatures.split(true, true), 4096);
        queue = rig.start(0);
    }

    @AfterEach
    void end() {
        rig.close();
    }

    private QueueWorker worker() {
        return worker(queue);
    }

    /** Works on {@code shown} with a clock that goes on by a microsecond whenever it is looked at. */
    private QueueWorker worker(Virtqueue shown) {
        return new QueueWorker(INDEX, shown, told, desk, () -> now += 1_000);
    }

    private List<Integer> submit(int count) {
        List<Integer> heads = new ArrayList<>();
        for (int i = 0; i < count; i++) heads.add(rig.driver.submit(List.of(rig.buffer(0, 1)), List.of()));
        return heads;
    }

    @Test
    void aTurnTakesWhatThereIsInOrderAndPublishesItAtOnce() {
        List<Integer> heads = submit(20);
        worker().run();
        assertThat(desk.heads).isEqualTo(heads);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(20);
        assertThat(rig.interrupts).isEqualTo(1);
        assertThat(told.words).isEmpty();
    }

    @Test
    void aLongQueueIsWorkedOffInTurns() {
        List<Integer> heads = submit(150);
        QueueWorker worker = worker();
        for (int done : new int[]{ 64, 128 }) {
            worker.run();
            assertThat(desk.heads).hasSize(done);
            assertThat(rig.driver.rings().usedIndex()).isEqualTo(done);
            assertThat(told.words).containsExactly("3 again");
            told.words.clear();
        }
        worker.run();
        assertThat(desk.heads).isEqualTo(heads);
        assertThat(told.words).isEmpty();
    }

    @Test
    void theDriverIsAskedToNotifyBeforeTheWorkerWaits() {
        QueueWorker worker = worker();
        for (int i = 0; i < 3; i++) {
            worker.run();
            submit(1);
            assertThat(rig.driver.kickNeeded()).isTrue();
            worker.run();
        }
        assertThat(desk.heads).hasSize(3);
    }

    @Test
    void whatArrivesWhileTheDriverIsAskedIsTakenInTheSameTurn() {
        Script script = new Script();
        script.arrivals.add(true);
        worker(script).run();
        assertThat(script.calls).containsExactly("disable", "poll", "enable", "poll", "enable", "publish");
    }

    @Test
    void workThatIsHeldBackTakesNothingButWhatIsDoneIsPublished() {
        desk.keeping = true;
        submit(2);
        QueueWorker worker = worker();
        worker.run();
        assertThat(desk.kept).hasSize(2);
        submit(3);
        desk.full = true;
        desk.kept.remove().complete();
        worker.run();
        assertThat(desk.heads).hasSize(2);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(1);
        desk.full = false;
        worker.run();
        assertThat(desk.heads).hasSize(5);
    }

    @Test
    void workThatFillsUpInTheMiddleOfATurnLeavesTheRest() {
        submit(5);
        desk.during = () -> desk.full = desk.heads.size() == 2;
        QueueWorker worker = worker();
        worker.run();
        assertThat(desk.heads).hasSize(2);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(2);
        desk.full = false;
        desk.during = () -> {};
        worker.run();
        assertThat(desk.heads).hasSize(5);
    }

    @Test
    void aCallFromWithinLeavesTheChainsToTheTurnUnderWay() {
        List<Integer> heads = submit(10);
        QueueWorker worker = worker();
        int[] depth = new int[2];
        desk.during = () -> {
            depth[0]++;
            depth[1] = Math.max(depth[1], depth[0]);
            worker.run();
            depth[0]--;
        };
        worker.run();
        assertThat(desk.heads).isEqualTo(heads);
        assertThat(depth[1]).as("turns inside turns").isEqualTo(1);
        assertThat(rig.interrupts).isEqualTo(1);
    }

    @Test
    void aStallIsToldAndWhatIsDoneIsStillPublished() {
        Script script = new Script();
        script.polls.add(STALLED);
        QueueWorker worker = worker(script);
        worker.run();
        assertThat(told.words).containsExactly("3 " + STALLED);
        assertThat(script.calls).containsExactly("disable", "poll", "publish");
        worker.run();
        assertThat(script.calls.subList(3, 6)).as("tried again").containsExactly("disable", "poll", "enable");
    }

    @Test
    void aUsedRingThatStallsIsTold() {
        Script script = new Script();
        script.published = STALLED;
        worker(script).run();
        assertThat(told.words).containsExactly("3 " + STALLED);
    }

    @Test
    void aQueueThatBreaksIsToldOnceAndPublishedBefore() {
        Script script = new Script();
        script.polls.add(BROKEN);
        script.published = BROKEN;
        worker(script).run();
        assertThat(told.words).containsExactly("3 " + BROKEN);
        assertThat(script.calls).containsExactly("disable", "poll", "publish");
    }

    @Test
    void aQueueThatBreaksAndCannotBePublishedYetWaitsForItsAddress() {
        Script script = new Script();
        script.polls.add(BROKEN);
        script.published = STALLED;
        worker(script).run();
        assertThat(told.words).containsExactly("3 " + STALLED, "3 " + BROKEN);
    }

    @Test
    void aUsedRingThatBreaksIsToldThoughNothingIsPolled() {
        Script script = new Script();
        script.published = BROKEN;
        desk.full = true;
        worker(script).run();
        assertThat(told.words).containsExactly("3 " + BROKEN);
        assertThat(script.calls).containsExactly("disable", "publish");
    }

    @Test
    void aQueueThatIsPolledIsPublishedFirstAndTakesWhatArrivesWithoutBeingNotified() {
        told.pollNanos = 10_000_000_000L; // far more than the clock goes on: it ends by what arrives
        submit(1);
        boolean[] seen = new boolean[1];
        Virtqueue watched = new Watched(queue, () -> {
            if (seen[0] || rig.driver.rings().usedIndex() != 1) return;
            seen[0] = true;
            assertThat(rig.driver.rings().availEvent()).as("no kick is asked for yet").isEqualTo(0);
            submit(1);
            desk.during = () -> told.pollNanos = 0;
        });
        worker(watched).run();
        assertThat(seen[0]).as("the first chain is published before the queue is polled on").isTrue();
        assertThat(desk.heads).hasSize(2);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(2);
        assertThat(rig.driver.rings().availEvent()).isEqualTo(2);
    }

    @Test
    void aLongTurnIsPublishedEveryEightChains() {
        assertThat(unpublishedAtEachOf(20, 4_000)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1,
                2, 3);
    }

    @Test
    void chainsThatTakeNoTimeArePublishedAfter20Micros() {
        // With its reading of the clock, each takes 2 µs: ten of them.
        assertThat(unpublishedAtEachOf(15, 1_000)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4);
    }

    /** Chains taken and not published when each is processed. */
    private List<Integer> unpublishedAtEachOf(int chains, long nanos) {
        submit(chains);
        List<Integer> unpublished = new ArrayList<>();
        desk.during = () -> {
            unpublished.add(desk.heads.size() - 1 - rig.driver.rings().usedIndex());
            now += nanos;
        };
        worker().run();
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(chains);
        return unpublished;
    }

    @Test
    void theTimeAtWhichAChainWasTakenIsThatOfTheLastReadingOfTheClock() {
        submit(2);
        QueueWorker worker = worker();
        List<Long> taken = new ArrayList<>();
        desk.during = () -> {
            taken.add(worker.takenAt());
            now += 5_000;
        };
        worker.run();
        assertThat(taken).containsExactly(1_000L, 7_000L);
    }

    @Test
    void onlyAQueueThatWasBusyIsLookedAtAMomentLonger() {
        int[] looks = new int[1];
        QueueWorker worker = worker(new Watched(queue, () -> looks[0]++));
        submit(7);
        worker.run();
        assertThat(looks[0]).as("one look a chain, and one that finds nothing").isEqualTo(8);
        looks[0] = 0;
        submit(8);
        worker.run();
        assertThat(looks[0]).as("40 µs of looks").isBetween(8 + 39, 8 + 41);
    }

    @Test
    void aTurnThatFoundNothingDoesNotPoll() {
        told.pollNanos = 10_000_000_000L;
        Script script = new Script();
        worker(script).run();
        assertThat(script.calls).containsExactly("disable", "poll", "enable", "publish");
    }

    @Test
    void workThatFailsDoesNotBlockTheNextTurn() {
        submit(2);
        QueueWorker worker = worker();
        desk.during = () -> {
            throw new IllegalStateException("this work fails");
        };
        assertThatThrownBy(worker::run).hasMessage("this work fails");
        desk.during = () -> {};
        worker.run();
        assertThat(desk.heads).hasSize(2);
        assertThat(rig.driver.rings().usedIndex()).isEqualTo(1);
    }
}
