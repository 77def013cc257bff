package sluice.dmacore.trace.chronicle;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FlightRecorderTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    private FlightRecorder open(Path file, int capacity, int namesBytes) throws Exception {
        FlightRecorder recorder = FlightRecorder.start(new RecorderOptions(file, capacity, namesBytes));
        assertThat(recorder.awaitOpen()).isTrue();
        return recorder;
    }

    private static List<Event> read(Recording recording, Missed expected) throws IOException {
        EventCursor cursor = recording.events();
        List<Event> events = new ArrayList<>();
        for (Event event = cursor.next(); event != null; event = cursor.next()) events.add(event);
        assertThat(cursor.missed()).isEqualTo(expected);
        return events;
    }

    @Test
    void whatIsToldIsReadBackInOrder() throws Exception {
        Path file = folder.resolve("all.rec");
        long before = System.nanoTime();
        try (FlightRecorder recorder = open(file, 64, 4096)) {
            int number = 0;
            for (EventKind kind : EventKind.values()) {
                recorder.record(kind, number, -number, 7, -1, Long.MAX_VALUE, Long.MIN_VALUE, number, TraceSink.NOW);
                number++;
            }
        }
        try (Recording recording = Recording.open(file)) {
            List<Event> events = read(recording, Missed.NOTHING);
            assertThat(events).extracting(Event::kind).containsExactly(EventKind.values());
            EventKind[] kinds = EventKind.values();
            long earlier = before;
            for (int i = 0; i < events.size(); i++) {
                Event event = events.get(i);
                assertThat(event).isEqualTo(new Event(i + 1, event.nanoTime(), kinds[i], i, -i, 7, -1,
                        Long.MAX_VALUE, Long.MIN_VALUE, i, (int) Thread.currentThread().threadId() & 0xffff));
                assertThat(event.nanoTime()).isBetween(earlier, System.nanoTime());
                earlier = event.nanoTime();
            }
        }
    }

    /** Whatever keeps the thread between its look at the clock and the recording. */
    @Test
    void theEndOfAnEventIsWhenItEndedAndNotWhenItIsRecorded() throws Exception {
        Path file = folder.resolve("ended.rec");
        long began = System.nanoTime();
        long ended = began + 1000;
        try (FlightRecorder recorder = open(file, 64, 4096)) {
            recorder.record(EventKind.COPY, 1, 2, 0, 0, 64, 64, ended - began, ended);
        }
        try (Recording recording = Recording.open(file)) {
            Event event = read(recording, Missed.NOTHING).getFirst();
            assertThat(event.nanoTime()).isEqualTo(ended);
            assertThat(event.nanoTime() - event.nanos()).isEqualTo(began);
        }
    }

    @Test
    void theHeaderSaysWhoRecordedAndWhen() throws Exception {
        Path file = folder.resolve("header.rec");
        long before = nanos(Instant.now());
        FlightRecorder recorder = open(file, 64, 4096);
        try (Recording live = Recording.open(file)) {
            assertThat(recorder.isOn()).isTrue();
            RecordingHeader header = live.header();
            assertThat(header.startEpochNanos()).isBetween(before, nanos(Instant.now()));
            assertThat(header.sinceStart(System.nanoTime())).isBetween(0L, LIMIT.toNanos());
            assertThat(header).isEqualTo(new RecordingHeader(64, 4096, header.startEpochNanos(),
                    header.startNanoTime(), ProcessHandle.current().pid(), 0, 0, 0, 0, false));
            assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(Files.size(file)).isEqualTo(4096 + 4096 + 64 * 64);
            recorder.close();
            assertThat(recorder.isOn()).isFalse();
            assertThat(live.header().isClosed()).isTrue();
        }
    }

    private static long nanos(Instant time) {
        return TimeUnit.SECONDS.toNanos(time.getEpochSecond()) + time.getNano();
    }

    @Test
    void theOldestEventsAreOverwritten() throws Exception {
        Path file = folder.resolve("ring.rec");
        try (FlightRecorder recorder = open(file, 8, 0)) {
            for (int i = 0; i < 8; i++) MarkedEvents.tell(recorder, 1, i);
            try (Recording live = Recording.open(file)) {
                assertThat(read(live, Missed.NOTHING)).extracting(Event::attachment).containsExactly(0, 1, 2, 3, 4, 5,
                        6, 7);
            }
            for (int i = 8; i < 21; i++) MarkedEvents.tell(recorder, 1, i);
        }
        try (Recording recording = Recording.open(file)) {
            List<Event> events = read(recording, new Missed(13, 0, 0, 0));
            assertThat(events).extracting(Event::attachment).containsExactly(13, 14, 15, 16, 17, 18, 19, 20);
            assertThat(events).allMatch(MarkedEvents::isWhole);
        }
    }

    /** What another writer holds is left to it: one that has stalled for a round, and one that is a round ahead. */
    @ParameterizedTest
    @ValueSource(longs = { -3, 3 + 16, -(3 + 16) })
    void aRecordThatAnotherHoldsIsNotTouched(long state) throws Exception {
        Path file = folder.resolve("held.rec");
        long third = 4096 + 2 * 64;
        try (FlightRecorder recorder = open(file, 8, 0);
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer held = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
            held.putLong(state).putLong(42);
            channel.write(held.rewind(), third);
            for (int i = 0; i < 8 + 4; i++) MarkedEvents.tell(recorder, 1, i);
            ByteBuffer left = ByteBuffer.allocate(64);
            assertThat(channel.read(left, third)).isEqualTo(64);
            assertThat(left.array()).isEqualTo(held.array());
            assertThat(recorder.lost()).isEqualTo(2);
        }
        try (Recording recording = Recording.open(file)) {
            boolean isNewer = state != -3;
            assertThat(read(recording, new Missed(isNewer ? 5 : 4, isNewer ? 0 : 1, 0, 0)))
                    .extracting(Event::attachment).containsExactly(4, 5, 6, 7, 8, 9, 11);
        }
    }

    @Test
    void whatIsToldTooEarlyOrTooLateIsCounted() throws Exception {
        Path file = folder.resolve("early.rec");
        FlightRecorder recorder = FlightRecorder.start(new RecorderOptions(file, 1 << 10, 4096));
        // However long opening takes, each of these is either there or counted.
        for (int i = 0; i < 1000; i++) MarkedEvents.tell(recorder, 1, i);
        assertThat(recorder.awaitOpen()).isTrue();
        try (Recording recording = Recording.open(file)) {
            assertThat(recording.header().lost() + recording.header().claimed()).isEqualTo(1000);
            assertThat(recording.header().lost()).isEqualTo(recorder.lost());
            recorder.close();
            long claimed = recording.header().claimed();
            MarkedEvents.tell(recorder, 1, 1);
            recorder.name(1, "too late");
            assertThat(recorder.lost()).isEqualTo(1);
            assertThat(recording.header().claimed()).isEqualTo(claimed);
            assertThat(recording.names().byNumber()).isEmpty();
        }
        recorder.close();
    }

    @Test
    void namesAreKeptWhileThereIsRoom() throws Exception {
        Path file = folder.resolve("names.rec");
        try (FlightRecorder recorder = open(file, 8, 64)) {
            recorder.name(1, "resource 1");
            recorder.name(1, "resource 1 again");
            recorder.name(2, "y".repeat(15));
            recorder.name(3, "");
            recorder.name(4, "z");
        }
        try (Recording recording = Recording.open(file)) {
            // 18 + 24 bytes leave 22: the name of 2 takes 23, those of 3 and 4 take 8 and 9.
            assertThat(recording.names().byNumber()).containsOnlyKeys(1, 2, 3, 4).containsEntry(1, "resource 1 again");
            assertThat(recording.names().of(2)).as("among the events").isEqualTo("y".repeat(15));
            assertThat(read(recording, Missed.NOTHING)).as("and is none").isEmpty();
            assertThat(recording.names().isDamaged()).isFalse();
            assertThat(recording.header().namesDropped()).isEqualTo(1);
        }
    }

    /** However many buffers there were: the newest events have their names, as long as they are. */
    @Test
    void namesGoWithTheirEventsWhenThereIsNoRoom() throws Exception {
        Path file = folder.resolve("names.rec");
        try (FlightRecorder recorder = open(file, 8, 0)) {
            for (int i = 1; i <= 100; i++) {
                recorder.name(i, "é".repeat(15) + "_" + i);
                recorder.record(EventKind.EXPORT, i, 0, 0, 0, 4096, 0);
            }
        }
        try (Recording recording = Recording.open(file)) {
            assertThat(read(recording, new Missed(200 - 8, 0, 0, 0))).extracting(Event::buffer).containsExactly(97, 98,
                    99, 100);
            assertThat(recording.names().byNumber()).containsOnlyKeys(97, 98, 99, 100).containsEntry(100,
                    "é".repeat(15) + "_1");
        }
    }

    @Test
    void longNamesAreCutBetweenCharacters() throws Exception {
        Path file = folder.resolve("long.rec");
        try (FlightRecorder recorder = open(file, 8, 4096)) {
            recorder.name(1, "x" + "é".repeat(150));
            recorder.name(2, "tricks\u001b[2J and \u202e turns");
        }
        try (Recording recording = Recording.open(file)) {
            String name = recording.names().of(1);
            assertThat(name).isEqualTo("x" + "é".repeat(99));
            assertThat(name.getBytes(StandardCharsets.UTF_8)).hasSizeLessThanOrEqualTo(200);
            assertThat(recording.names().of(2)).isEqualTo("tricks?[2J and ? turns");
        }
    }

    @Test
    void anEventAllocatesNothing() throws Exception {
        try (FlightRecorder recorder = open(folder.resolve("garbage.rec"), 1 << 10, 0)) {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            for (int i = 0; i < 20_000; i++) MarkedEvents.tell(recorder, 1, i);
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) MarkedEvents.tell(recorder, 1, i);
            assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
        }
    }

    @Test
    void anOldRecordingIsReplacedAndItsReadersKeepIt() throws Exception {
        Path file = folder.resolve("again.rec");
        try (FlightRecorder recorder = open(file, 8, 0)) {
            MarkedEvents.tell(recorder, 1, 1);
        }
        try (Recording old = Recording.open(file)) {
            try (FlightRecorder recorder = open(file, 16, 0); Recording fresh = Recording.open(file)) {
                assertThat(fresh.header().capacity()).isEqualTo(16);
                assertThat(recorder.lost()).isZero();
            }
            assertThat(read(old, Missed.NOTHING)).hasSize(1);
        }
    }

    @Test
    void aFileThatIsNoRecordingIsNotReplaced() throws Exception {
        Path precious = Files.writeString(folder.resolve("thesis.txt"), "seven years of work");
        assertThatThrownBy(() -> FlightRecorder.start(RecorderOptions.of(precious))).isInstanceOf(IOException.class)
                .hasMessageContaining("is not a recording, so it is not replaced");
        assertThat(precious).hasContent("seven years of work");
        assertThatThrownBy(() -> FlightRecorder.start(RecorderOptions.of(folder)))
                .hasMessageContaining("is not a regular file");
        assertThatThrownBy(() -> FlightRecorder.start(RecorderOptions.of(folder.resolve("none/x"))))
                .isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void twoRecordersDoNotWriteOneFile() throws Exception {
        Path file = folder.resolve("busy.rec");
        try (FlightRecorder first = open(file, 8, 0)) {
            assertThatThrownBy(() -> FlightRecorder.start(RecorderOptions.of(file))).isInstanceOf(IOException.class)
                    .hasMessageContaining("another recorder is writing").hasMessageContaining("busy.rec");
            MarkedEvents.tell(first, 1, 1);
        }
        try (Recording recording = Recording.open(file)) {
            assertThat(read(recording, Missed.NOTHING)).hasSize(1);
        }
    }

    @Test
    void optionsSayTheirLimits() {
        Path file = folder.resolve("never.rec");
        for (int capacity : new int[]{ 0, 4, 1000, -8, 1 << 27 }) {
            assertThatThrownBy(() -> new RecorderOptions(file, capacity, 0)).hasMessageContaining("8 to 67108864");
        }
        for (int names : new int[]{ -64, 100, 8 << 20 }) {
            assertThatThrownBy(() -> new RecorderOptions(file, 8, names)).hasMessageContaining("multiple of 64");
        }
        assertThat(file).doesNotExist();
    }
}
