package sluice.vdev.device;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.QueueTrace;
import sluice.vdev.fixture.Used;
import sluice.vdev.loopback.KeptTrace;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.QueueRig;
import sluice.vdev.queue.RingFeatures;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Events that a driver lends buffers for: in order, none dropped, and not too many waiting. */
class EventQueueTest {
    private static final int MOST = 4;
    private static final int BUFFER = 8;
    private static final int BUFFERS = 64;

    private final Report report = new Report();
    private final List<String> told = new ArrayList<>();
    private final EventQueue events = new EventQueue(0, MOST, () -> told.add("room"));
    /** Where the buffer of a chain is, by the chain's head. */
    private final Map<Integer, Integer> lent = new HashMap<>();
    private QueueRig rig;
    private int next;
    private boolean again;

    private final DeviceContext context = new DeviceContext() {
        @Override
        public FrontTranslation memory() {
            throw new AssertionError("events translate nothing");
        }

        @Override
        public void callAgain(int index) {
            again = true;
        }

        @Override
        public void stalled(int index, Polled.Stalled where) {
            told.add(where.toString());
        }

        @Override
        public void broken(int index, Polled.Broken why) {
            told.add(why.toString());
        }
    };

    @BeforeEach
    void start() throws Exception {
        rig = new QueueRig(BUFFERS, RingFeatures.split(true, true), BUFFERS * BUFFER);
        events.register(report, "events");
        events.start(rig.start(0), context);
        run();
    }

    @AfterEach
    void end() {
        rig.close();
    }

    /** A turn may be over before all is done, however few there are: then another is asked for. */
    private void run() {
        do {
            again = false;
            events.run();
        } while (again);
    }

    private boolean send(byte[] event) {
        boolean taken = events.send(event);
        if (again) run();
        return taken;
    }

    private void lend() {
        lend(BUFFER);
    }

    private void lend(int bytes) {
        int at = next++ % BUFFERS * BUFFER;
        lent.put(rig.driver.submit(List.of(), List.of(rig.buffer(at, bytes))), at);
    }

    private static byte[] event(int number) {
        return new byte[]{ (byte) number, (byte) (number >> 8), 0x55 };
    }

    /** Numbers of the events that the driver finds. */
    private List<Integer> got() {
        List<Integer> numbers = new ArrayList<>();
        for (Optional<Used> used = rig.driver.poll(); used.isPresent(); used = rig.driver.poll()) {
            Integer at = lent.remove(used.get().head());
            byte[] bytes = rig.read(Objects.requireNonNull(at), 3);
            assertThat(bytes[2]).isEqualTo((byte) 0x55);
            numbers.add((bytes[0] & 0xff) | (bytes[1] & 0xff) << 8);
        }
        return numbers;
    }

    private long counted(String name) {
        return report.metrics().stream().filter(metric -> metric.name().equals("events." + name))
                .map(metric -> ((Report.Single) metric).value().getAsLong()).findFirst().orElseThrow();
    }

    @Test
    void anEventIsDeliveredAtOnceWhereThereIsABuffer() {
        lend();
        lend();
        run();
        assertThat(got()).as("a buffer without an event stays where it is").isEmpty();
        assertThat(send(event(1))).isTrue();
        assertThat(got()).containsExactly(1);
        assertThat(rig.interrupts).isEqualTo(1);
        assertThat(send(event(2))).isTrue();
        assertThat(got()).containsExactly(2);
        assertThat(counted("sent")).isEqualTo(2);
    }

    @Test
    void withoutABufferEventsWaitInOrderAndTheDriverIsAskedToNotify() {
        for (int i = 0; i < 3; i++) assertThat(send(event(i))).isTrue();
        assertThat(events.waiting()).isEqualTo(3);
        assertThat(counted("waiting")).isEqualTo(3);
        lend();
        lend();
        assertThat(rig.driver.kickNeeded()).isTrue();
        run();
        assertThat(got()).containsExactly(0, 1);
        lend();
        run();
        assertThat(got()).containsExactly(2);
        assertThat(counted("waiting")).isZero();
        assertThat(told).isEmpty();
    }

    @Test
    void oneTooManyIsRefusedAndRoomIsTold() {
        for (int i = 0; i < MOST; i++) assertThat(send(event(i))).isTrue();
        assertThat(send(event(99))).isFalse();
        assertThat(told).isEmpty();
        lend();
        run();
        assertThat(told).containsExactly("room");
        assertThat(send(event(MOST))).isTrue();
        for (int i = 0; i < MOST; i++) lend();
        run();
        assertThat(got()).containsExactly(0, 1, 2, 3, 4);
        assertThat(told).as("it is told once").containsExactly("room");
    }

    @Test
    void whatWaitsOutlivesAPauseAndNoReset() {
        send(event(7));
        events.stop();
        assertThat(send(event(8))).isTrue();
        events.start(rig.start(0), context);
        lend();
        lend();
        run();
        assertThat(got()).containsExactly(7, 8);
        send(event(9));
        events.stop();
        events.clear();
        assertThat(events.waiting()).isZero();
    }

    @Test
    void aPostedBufferHasWaitedOnlyIfAnEventWasThereBeforeIt() {
        KeptTrace kept = new KeptTrace(true);
        QueueTrace trace = new QueueTrace(kept, 1);
        events.stop();
        events.start(rig.start(0, () -> {}, trace), context);
        lend();
        lend();
        trace.noticed();
        run();
        send(event(1));
        send(event(2));
        assertThat(waits(kept)).as("posted before the event").containsExactly(0L, 0L);
        send(event(3));
        lend();
        trace.noticed();
        long kicked = System.nanoTime();
        while (System.nanoTime() == kicked)
            Thread.onSpinWait();
        run();
        assertThat(waits(kept)).hasSize(3);
        assertThat(waits(kept).getLast()).as("posted after the event").isPositive();
        assertThat(got()).containsExactly(1, 2, 3);
        assertThat(kept.names()).isEmpty();
    }

    /** How long each request has waited. */
    private static List<Long> waits(KeptTrace kept) {
        return kept.of(EventKind.COMMAND).stream().map(KeptTrace.Told::from).toList();
    }

    @Test
    void aBufferThatIsTooShortGetsTheBeginning() {
        lend(2);
        send(event(0x0102));
        Used used = rig.driver.poll().orElseThrow();
        assertThat(used.written()).isEqualTo(2);
        assertThat(counted("cut")).isEqualTo(1);
    }

    /** The law: what a driver gets is what was taken, in order, whatever the order of lending, sending and pausing. */
    @Test
    void nothingIsLostAndNothingComesTwice() {
        long seed = 20261129;
        Random random = new Random(seed);
        List<Integer> got = new ArrayList<>();
        List<Integer> taken = new ArrayList<>();
        int number = 0;
        for (int step = 0; step < 5000; step++) {
            switch (random.nextInt(3)) {
                case 0 -> {
                    if (send(event(number))) {
                        taken.add(number);
                    }
                    number = number + 1 & 0xffff;
                }
                case 1 -> {
                    if (lent.size() < BUFFERS / 2) lend();
                    run();
                }
                default -> got.addAll(got());
            }
            assertThat(events.waiting()).isLessThanOrEqualTo(MOST);
        }
        while (events.waiting() > 0) {
            lend();
            run();
        }
        got.addAll(got());
        assertThat(got).as("seed %d", seed).isEqualTo(taken).hasSizeGreaterThan(1000);
    }

    @Test
    void aQueueThatMayHoldNothingIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new EventQueue(0, 0, () -> {}))
                .withMessageContaining("give 1 or more");
    }
}
