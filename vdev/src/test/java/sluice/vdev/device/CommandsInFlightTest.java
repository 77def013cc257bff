package sluice.vdev.device;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.RejectedExecutionException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.fence.FenceDomain;
import sluice.dmacore.fence.FenceFinding;
import sluice.dmacore.fence.FenceOptions;
import sluice.dmacore.fence.FenceSignal;
import sluice.dmacore.fence.LatePolicy;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.fixture.Used;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.QueueRig;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Commands that are answered when their fences are signalled, in any order, each once. */
class CommandsInFlightTest {
    private static final int RING = 64;
    private static final int MOST = 8;
    private static final int BYTES = 8;

    private final Deque<Runnable> posted = new ArrayDeque<>();
    private final List<FenceFinding> findings = new ArrayList<>();
    private final List<FenceSignal> signals = new ArrayList<>();
    private long now;
    private boolean closed;
    private final FenceDomain fences = new FenceDomain(
            FenceOptions.DEFAULT.withClock(() -> now).withListener(findings::add));

    private final DeviceLoop loop = new DeviceLoop() {
        @Override
        public String name() {
            return "engine";
        }

        @Override
        public Runnable after(long nanos, Runnable task) {
            throw new AssertionError("no timer is needed");
        }

        @Override
        public Runnable every(long nanos, Runnable task) {
            throw new AssertionError("no timer is needed");
        }

        @Override
        public void execute(Runnable task) {
            if (closed) throw new RejectedExecutionException("the loop has ended");
            posted.add(task);
        }
    };

    private final DeviceContext context = new DeviceContext() {
        @Override
        public FrontTranslation memory() {
            throw new AssertionError("commands translate nothing");
        }

        @Override
        public void callAgain(int index) {
            posted.add(() -> worker.run());
        }

        @Override
        public void stalled(int index, Polled.Stalled where) {
            throw new AssertionError(where.toString());
        }

        @Override
        public void broken(int index, Polled.Broken why) {
            throw new AssertionError(why.toString());
        }
    };

    private final CommandsInFlight commands = new CommandsInFlight(loop, MOST);
    private QueueRig rig;
    @SuppressWarnings("NullAway.Init") // startQueue
    private Virtqueue queue;
    @SuppressWarnings("NullAway.Init") // startQueue
    private QueueWorker worker;

    /** Each command is work with a fence of its own timeline, as workers finish in no order; its answer is the errno and its number. */
    private final QueueWorker.Work work = new QueueWorker.Work() {
        @Override
        public boolean isHeldBack() {
            return commands.isFull();
        }

        @Override
        public void execute(Chain chain) {
            byte[] number = new byte[1];
            chain.readable().copyTo(0, number, 0, 1);
            FenceSignal signal = fences.openTimeline("engine", Duration.ofSeconds(1)).begin("command " + number[0]);
            signals.add(signal);
            commands.add(chain, signal.fence(), (answered, errno) -> {
                if (number[0] == 99) throw new IllegalStateException("the device's own mistake");
                answered.respond(new byte[]{ (byte) errno, number[0] }, 2);
            });
        }
    };

    @BeforeEach
    void start() throws Exception {
        start(RingFeatures.split(true, true));
    }

    private void start(RingFeatures features) throws Exception {
        rig = new QueueRig(RING, features, RING * 2 * BYTES);
        startQueue(0);
    }

    private void startQueue(int position) {
        queue = rig.start(position);
        worker = new QueueWorker(0, queue, context, work);
        commands.start(worker);
        worker.run();
    }

    @AfterEach
    void end() {
        rig.close();
    }

    private void turn() {
        for (Runnable task = posted.poll(); task != null; task = posted.poll()) task.run();
    }

    private int submit(int number) {
        int at = number % RING * 2 * BYTES;
        rig.ram.write(rig.buffer(at, 1), ByteBuffer.wrap(new byte[]{ (byte) number }));
        return rig.driver.submit(List.of(rig.buffer(at, 1)), List.of(rig.buffer(at + BYTES, BYTES)));
    }

    private void send(int... numbers) {
        for (int number : numbers) submit(number);
        worker.run();
        turn();
    }

    /** What the driver finds: errno and number of each command, in order of arrival. */
    private List<String> got() {
        List<String> answers = new ArrayList<>();
        for (Optional<Used> used = rig.driver.poll(); used.isPresent(); used = rig.driver.poll()) {
            answers.add(used.get().written() == 0 ? "none" : answer(used.get()));
        }
        return answers;
    }

    private String answer(Used used) {
        for (int number = 0; number < RING; number++) {
            byte[] bytes = rig.read(number * 2 * BYTES + BYTES, 2);
            if (bytes[1] == number && heads.remove(number, used.head())) return bytes[0] + ":" + number;
        }
        throw new AssertionError("no command has head " + used.head());
    }

    private final Map<Integer, Integer> heads = new HashMap<>();

    private void sendTracked(int... numbers) {
        for (int number : numbers) heads.put(number, submit(number));
        worker.run();
        turn();
    }

    @Test
    void theLastMayBeTheFirst() {
        sendTracked(1, 2, 3);
        assertThat(commands.count()).isEqualTo(3);
        assertThat(got()).isEmpty();
        signals.get(2).succeed();
        assertThat(got()).as("not on the signaller's thread").isEmpty();
        turn();
        assertThat(got()).containsExactly("0:3");
        signals.get(0).fail(Errno.EIO);
        signals.get(1).succeed();
        turn();
        assertThat(got()).containsExactly(Errno.EIO + ":1", "0:2");
        assertThat(commands.count()).isZero();
    }

    @Test
    void inOrderHoldsBackWhatIsEarly() throws Exception {
        rig.close();
        start(new RingFeatures(true, true, false, true, false));
        sendTracked(1, 2);
        signals.get(1).succeed();
        turn();
        assertThat(got()).isEmpty();
        signals.get(0).succeed();
        turn();
        assertThat(got()).containsExactly("0:1", "0:2");
    }

    @Test
    void asManyAreTakenAsMayBeAndTheNextWhenThereIsRoom() {
        int[] numbers = new int[MOST + 2];
        for (int i = 0; i < numbers.length; i++) numbers[i] = i;
        sendTracked(numbers);
        assertThat(commands.isFull()).isTrue();
        assertThat(signals).hasSize(MOST);
        assertThatIllegalStateException()
                .isThrownBy(() -> commands.add((Chain) queue.poll(), signals.get(0).fence(), (_, _) -> {}))
                .withMessage("8 commands are in flight, which is the limit");
        signals.get(3).succeed();
        turn();
        assertThat(signals).as("one gone, one more taken").hasSizeGreaterThan(MOST);
    }

    @Test
    void aFenceThatNobodySignalsIsAnsweredAtItsBound() {
        sendTracked(1);
        now = Duration.ofSeconds(1).toNanos();
        fences.checkLate(LatePolicy.FAIL);
        turn();
        assertThat(got()).containsExactly(Errno.ETIMEDOUT + ":1");
        assertThat(findings).hasSize(1);
        signals.get(0).succeed();
        turn();
        assertThat(got()).as("too late").isEmpty();
    }

    @Test
    void aStopAnswersWhatIsUnderWayAndALateSignalReachesNoOtherCommand() {
        sendTracked(1, 2);
        signals.get(1).succeed(); // the loop has not seen it when the queue stops
        commands.stop();
        queue.publish();
        assertThat(got()).containsExactly(Errno.ECANCELED + ":1", Errno.ECANCELED + ":2");
        int position = queue.position();
        queue.stop();
        startQueue(position);
        sendTracked(3, 4);
        signals.get(0).succeed();
        turn();
        assertThat(got()).as("the chains of the life before").isEmpty();
        signals.get(3).succeed();
        turn();
        assertThat(got()).containsExactly("0:4");
    }

    @Test
    void anAnswerThatThrowsLeavesNobodyWaiting() {
        send(99);
        signals.get(0).succeed();
        assertThatThrownBy(this::turn).hasMessage("the device's own mistake");
        turn();
        assertThat(got()).containsExactly("none");
        send(99);
        assertThatThrownBy(commands::stop).hasMessage("the device's own mistake");
        queue.publish();
        assertThat(got()).containsExactly("none");
    }

    @Test
    void aSignalAfterTheDevicesEndIsNoFault() {
        send(1);
        closed = true;
        assertThat(signals.get(0).succeed()).isTrue();
        assertThat(findings).isEmpty();
    }

    /** The law: each command is answered once, with its own fence's errno, whatever the order of signals and stops. */
    @Test
    void eachCommandIsAnsweredOnce() {
        long seed = 20261129;
        Random random = new Random(seed);
        int sent = 0;
        int answered = 0;
        for (int step = 0; step < 4000; step++) {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    int number = sent % RING;
                    if (!heads.containsKey(number) && heads.size() < RING / 4) {
                        sendTracked(number);
                        sent++;
                    }
                }
                case 3, 4 -> {
                    if (!signals.isEmpty()) signals.remove(random.nextInt(signals.size())).succeed();
                }
                case 5 -> {
                    if (random.nextInt(20) == 0) {
                        commands.stop();
                        queue.publish();
                        int position = queue.position();
                        queue.stop();
                        startQueue(position);
                    }
                }
                default -> {
                    turn();
                    answered += got().size();
                }
            }
        }
        while (!heads.isEmpty()) {
            signals.forEach(FenceSignal::succeed);
            signals.clear();
            turn();
            int found = got().size();
            answered += found;
            assertThat(found).as("seed %d: all that is left, at once or as there is room", seed).isPositive();
        }
        assertThat(answered).as("seed %d", seed).isEqualTo(sent).isGreaterThan(500);
    }

    @Test
    void noneMayBeUnderWayIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CommandsInFlight(loop, 0))
                .withMessageContaining("give 1 or more");
    }
}
