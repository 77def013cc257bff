package sluice.dmacore.trace;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** The events of a queue's requests, and that there are none while tracing is off. */
class QueueTraceTest {
    private static final int NUMBER = 7;
    private static final int NAME = 9;

    private record Told(EventKind kind, int buffer, int number, int detail, long from, long length, long bytes,
            long nanos) {}

    private static final class Listener implements TraceSink {
        final List<Told> told = new ArrayList<>();
        boolean on = true;

        @Override
        public boolean isOn() {
            return on;
        }

        @Override
        public void name(int number, String name) {
            throw new AssertionError("a queue does not name itself");
        }

        @Override
        public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
                long nanos, long ended) {
            assertThat(on).as("%s while nobody listens", kind).isTrue();
            told.add(new Told(kind, buffer, attachment, detail, from, length, bytes, nanos));
        }
    }

    private final Listener listener = new Listener();
    private final QueueTrace trace = new QueueTrace(listener, NUMBER);

    @Test
    void aRequestHasItsNameItsWaitAndItsTime() {
        trace.noticed();
        long first = trace.now();
        trace.noticed(); // another kick does not shorten the wait
        long taken = trace.take();
        assertThat(taken).isNotZero();
        long waited = trace.waited(taken);
        assertThat(waited).isBetween(taken - first, Long.MAX_VALUE);
        trace.done(NAME, taken, waited, 3, 17);
        Told done = listener.told.removeFirst();
        assertThat(done).isEqualTo(new Told(EventKind.COMMAND, 0, NUMBER, NAME, waited, 3, 17, done.nanos()));
        assertThat(done.nanos()).isBetween(0L, System.nanoTime() - taken);
        trace.empty();
        assertThat(trace.waited(trace.take())).as("found by polling").isZero();
    }

    @Test
    void anAnswerHasItsInterrupt() {
        long began = trace.now();
        trace.answered(2, began, 0);
        Told quiet = listener.told.removeFirst();
        assertThat(quiet).isEqualTo(new Told(EventKind.ANSWER, 0, NUMBER, 0, 0, 2, 0, quiet.nanos()));
        long raising = trace.now();
        trace.answered(1, began, raising);
        Told loud = listener.told.removeFirst();
        assertThat(loud.detail()).isEqualTo(1);
        assertThat(loud.from()).isBetween(0L, loud.nanos());
    }

    /** However fast they come: each is told, one by one up to the budget, and then in batches, whose thread is quiet. */
    @Test
    void whatIsBeyondTheBudgetIsToldInBatches() throws Exception {
        TraceSink sink = QuietSink.around(listener);
        QueueTrace fast = new QueueTrace(sink, NUMBER);
        DeviceTrace device = new DeviceTrace(sink, 1);
        int quiet = 0;
        for (int i = 0; i < 1000; i++) {
            if (i % 100 == 0) fast.noticed();
            long taken = fast.take();
            if (!sink.isOn()) {
                quiet++;
                assertThat(device.begin()).as("nothing is measured").isZero();
                if (i == 999) {
                    device.shown(5); // a frame is never missing
                    boolean[] other = new boolean[1];
                    Thread.ofPlatform().start(() -> other[0] = sink.isOn()).join();
                    assertThat(other[0]).as("other threads go on").isTrue();
                }
            }
            fast.done(NAME, taken, fast.waited(taken), 1, i + 1L);
            if (i % 100 == 99) {
                long began = fast.now();
                assertThat(sink.isOn()).as("a batch ends with its answers").isTrue();
                fast.answered(100, began, 0);
            }
        }
        long alone = listener.told.stream().filter(told -> told.kind() == EventKind.COMMAND).count();
        List<Told> batches = listener.told.stream().filter(told -> told.kind() == EventKind.BATCH).toList();
        assertThat(alone).isGreaterThanOrEqualTo(64);
        assertThat(batches).isNotEmpty().hasSizeLessThanOrEqualTo(10)
                .allMatch(batch -> batch.detail() == NAME && batch.nanos() > 0);
        assertThat(alone + batches.stream().mapToLong(Told::length).sum()).isEqualTo(1000);
        assertThat(batches.stream().mapToLong(Told::length).sum()).isEqualTo(quiet);
        assertThat(listener.told.stream().filter(told -> told.kind() == EventKind.FRAME)).hasSize(1);
    }

    @Test
    void requestsOfOtherNamesMakeABatchWithoutOne() {
        QueueTrace fast = new QueueTrace(QuietSink.around(listener), NUMBER);
        for (int i = 0; i < 500; i++) fast.done(NAME + i % 2, fast.take(), 0, 1, 0);
        fast.empty();
        assertThat(listener.told.getLast().kind()).isEqualTo(EventKind.BATCH);
        assertThat(listener.told.getLast().detail()).isZero();
    }

    @Test
    void nothingIsToldWhileItIsOffNorOfWhatBeganThen() {
        listener.on = false;
        trace.noticed();
        assertThat(trace.now()).isZero();
        assertThat(trace.waited(trace.take())).isZero();
        trace.done(NAME, 1, 0, 1, 1);
        trace.answered(1, 1, 0);
        listener.on = true;
        trace.done(NAME, 0, 0, 1, 1);
        trace.answered(1, 0, 0);
        assertThat(listener.told).isEmpty();
        assertThat(QueueTrace.Maker.NONE.make("any").now()).isZero();
    }
}
