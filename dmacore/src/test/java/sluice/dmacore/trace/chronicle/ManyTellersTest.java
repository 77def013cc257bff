package sluice.dmacore.trace.chronicle;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Recording;

import static org.assertj.core.api.Assertions.assertThat;

/** Many threads tell one recorder, which is read meanwhile: no event that is read is made of two. */
class ManyTellersTest {
    private static final int TELLERS = 4;
    private static final int EVENTS = 150_000;

    @TempDir
    private Path folder;

    /** Small rings, where writers overtake each other, and one that is larger than the pieces in which it is read. */
    @ParameterizedTest
    @ValueSource(ints = { 8, 64, 4096 })
    void everyEventReadIsOneThatWasTold(int capacity) throws Exception {
        Path file = folder.resolve("many.rec");
        try (FlightRecorder recorder = FlightRecorder.start(new RecorderOptions(file, capacity, 0))) {
            assertThat(recorder.awaitOpen()).isTrue();
            CountDownLatch done = new CountDownLatch(TELLERS);
            List<Thread> tellers = new ArrayList<>();
            for (int teller = 1; teller <= TELLERS; teller++) {
                int me = teller;
                tellers.add(Thread.ofPlatform().start(() -> {
                    for (int i = 0; i < EVENTS; i++) MarkedEvents.tell(recorder, me, i);
                    done.countDown();
                }));
            }
            try (Recording live = Recording.open(file)) {
                int read = 0;
                while (done.getCount() > 0)
                    read += readAll(live);
                for (Thread teller : tellers) teller.join();
                assertThat(read).as("events that were read while they were told").isPositive();
            }
        }
        try (Recording ended = Recording.open(file)) {
            assertThat(ended.header().isClosed()).isTrue();
            assertThat(ended.header().claimed()).isEqualTo((long) TELLERS * EVENTS);
            assertThat(ended.header().lost()).isLessThan((long) TELLERS * EVENTS / 2);
            // A claim whose record was not to be had leaves an older event there, or a newer one.
            assertThat(readAll(ended)).isBetween(1, capacity);
        }
    }

    private static int readAll(Recording recording) throws Exception {
        long claimed = recording.header().claimed();
        EventCursor events = recording.events();
        int read = 0;
        long last = 0;
        for (Event event = events.next(); event != null; event = events.next()) {
            assertThat(MarkedEvents.isWhole(event)).as("%s is one that was told", event).isTrue();
            assertThat(event.sequence()).isGreaterThan(last);
            last = event.sequence();
            read++;
        }
        Missed missed = events.missed();
        assertThat(missed.isDamage()).isFalse();
        assertThat(read + missed.overwritten() + missed.unfinished()).isGreaterThanOrEqualTo(claimed);
        return read;
    }
}
