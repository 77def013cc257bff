package sluice.dmacore.trace;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** The events of a device, and that there are none while tracing is off. */
class DeviceTraceTest {
    private static final long SEED = 20260615;
    private static final int NUMBER = 7;

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
            throw new AssertionError("a device does not name itself");
        }

        @Override
        public void record(EventKind kind, int buffer, int attachment, int detail, long from, long length, long bytes,
                long nanos, long ended) {
            assertThat(on).as("%s while nobody listens", kind).isTrue();
            told.add(new Told(kind, buffer, attachment, detail, from, length, bytes, nanos));
        }
    }

    private final Listener listener = new Listener();
    private final DeviceTrace trace = new DeviceTrace(listener, NUMBER);

    private Told only() {
        assertThat(listener.told).hasSize(1);
        return listener.told.removeFirst();
    }

    private static void takeSomeTime(long since) {
        while (System.nanoTime() - since < 1_000)
            Thread.onSpinWait();
    }

    @Test
    void eachEventIsTheDevicesOwn() {
        long began = trace.begin();
        assertThat(began).isNotZero();
        takeSomeTime(began);
        trace.translated(0x1000, 300, began);
        Told translated = only();
        assertThat(translated).isEqualTo(
                new Told(EventKind.TRANSLATE, 0, NUMBER, 0, 0x1000, 300, 300, translated.nanos));
        assertThat(translated.nanos).isBetween(1_000L, System.nanoTime() - began);
        trace.copied(2, 0x2000, 64, began);
        Told copied = only();
        assertThat(copied).isEqualTo(new Told(EventKind.COPY, 0, NUMBER, 2, 0x2000, 64, 64, copied.nanos));
        assertThat(copied.nanos).isBetween(translated.nanos, System.nanoTime() - began);
        trace.faulted(0x3000, 8);
        assertThat(only()).isEqualTo(new Told(EventKind.FAULT, 0, NUMBER, 0, 0x3000, 8, 0, 0));
        trace.shown(99);
        assertThat(only()).isEqualTo(new Told(EventKind.FRAME, 0, NUMBER, 0, 99, 0, 0, 0));
        trace.missed(0x4000, true, began);
        Told known = only();
        assertThat(known).isEqualTo(new Told(EventKind.MISS, 0, NUMBER, 0, 0x4000, 4096, 4096, known.nanos));
        trace.missed(0x5000, false, began);
        assertThat(only().detail).as("the answer was no").isEqualTo(1);
    }

    @Test
    void nothingIsToldWhileNobodyListens() {
        listener.on = false;
        long began = trace.begin();
        assertThat(began).isZero();
        trace.translated(0, 1, began);
        trace.missed(0, true, began);
        trace.copied(1, 0, 1, began);
        trace.faulted(0, 1);
        trace.shown(1);
        assertThat(listener.told).isEmpty();
        // Switched on in the middle: of what has no beginning only that it happened is told, or nothing.
        listener.on = true;
        trace.translated(0, 1, began);
        trace.missed(0, true, began);
        assertThat(listener.told).isEmpty();
        trace.copied(1, 0, 1, began);
        assertThat(only().nanos).isZero();
        assertThat(DeviceTrace.NONE.begin()).isZero();
    }

    /** However many questions are open at a time, the waits that are told add up to the time in which one was open. */
    @Test
    void waitsThatOverlapAreCountedOnce() {
        Random random = new Random(SEED);
        List<Long> open = new ArrayList<>();
        long waited = 0;
        long openSince = 0;
        long toldBefore = 0;
        for (int i = 0; i < 2_000; i++) {
            if (open.isEmpty() || (open.size() < 8 && random.nextBoolean())) {
                long began = trace.begin();
                if (open.isEmpty()) openSince = began;
                open.add(began);
            } else {
                trace.missed(0, true, open.remove(random.nextInt(open.size())));
                long last = listener.told.getLast().nanos;
                assertThat(last).isNotNegative();
                toldBefore += last;
                if (open.isEmpty()) {
                    waited += System.nanoTime() - openSince;
                    assertThat(toldBefore).as("seed %d, step %d", SEED, i).isLessThanOrEqualTo(waited);
                }
            }
        }
        assertThat(listener.told).hasSizeGreaterThan(500);
    }

    @Test
    void anAnswerIsWaitedForFromTheOneBeforeItOrFromItsQuestion() {
        long began = trace.begin();
        takeSomeTime(began);
        trace.missed(0, true, began);
        long first = only().nanos;
        assertThat(first).isGreaterThanOrEqualTo(1_000);
        takeSomeTime(System.nanoTime());
        trace.missed(0, true, began);
        long second = only().nanos;
        assertThat(second).as("since the answer before").isGreaterThanOrEqualTo(1_000);
        assertThat(first + second).isLessThanOrEqualTo(System.nanoTime() - began);
        takeSomeTime(System.nanoTime());
        long later = trace.begin();
        trace.missed(0, true, later);
        assertThat(only().nanos).as("since it was asked").isLessThanOrEqualTo(System.nanoTime() - later);
    }
}
