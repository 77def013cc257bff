package sluice.dmacore.trace.jfr;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import com.sun.management.ThreadMXBean;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

import static org.assertj.core.api.Assertions.assertThat;

class JfrSinkTest {
    private final JfrSink sink = new JfrSink();

    @TempDir
    private Path folder;

    private List<RecordedEvent> dump(Recording recording) throws Exception {
        recording.stop();
        Path file = folder.resolve("out.jfr");
        recording.dump(file);
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith("sluice.")).toList();
    }

    @Test
    void everyKindIsAnEventOfItsSort() throws Exception {
        try (Recording recording = new Recording()) {
            recording.start();
            assertThat(sink.isOn()).isTrue();
            sink.name(4, "frame");
            for (EventKind kind : EventKind.values()) sink.record(kind, 4, 5, 2, 6, 7, 8, 9, TraceSink.NOW);
            List<RecordedEvent> events = dump(recording);
            assertThat(events).hasSize(EventKind.values().length + 1);
            assertThat(events.getFirst().getString("name")).isEqualTo("frame");
            assertThat(events.getFirst().getInt("number")).isEqualTo(4);
            int at = 0;
            for (EventKind kind : EventKind.values()) {
                RecordedEvent event = events.get(++at);
                assertThat(event.getEventType().getName()).isEqualTo("sluice." + sort(kind));
                assertThat(event.getString("kind")).isEqualTo(kind.name());
                assertThat(List.of(event.getInt("buffer"), event.getInt("attachment"), event.getInt("detail")))
                        .containsExactly(4, 5, 2);
                assertThat(List.of(event.getLong("from"), event.getLong("length"), event.getLong("bytes")))
                        .containsExactly(6L, 7L, 8L);
                assertThat(event.getDuration("took")).isEqualTo(Duration.ofNanos(9));
                assertThat(event.getEventType().getCategoryNames()).containsExactly("Sluice", "Buffers");
                assertThat(event.getStackTrace()).isNull();
            }
        }
    }

    private static String sort(EventKind kind) {
        return switch (kind) {
            case EXPORT, RELEASE, ALLOCATE, ATTACH, DETACH, GET_SEGMENTS, PUT_SEGMENTS, REVOKE, PIN, UNPIN ->
                "Lifetime";
            case MAP, UNMAP -> "Mapping";
            case SYNC_FOR_DEVICE, SYNC_FOR_CPU, CALL -> "Transfer";
            case BEGIN_CPU_ACCESS, END_CPU_ACCESS -> "CpuAccess";
            case WRITE_BACK, INVALIDATE, SKIP -> "CacheOperation";
            case BOUNCE, MOVE, COPY -> "Copy";
            case FAULT, MISS, TRANSLATE -> "Translation";
            case FRAME -> "Frame";
            case COMMAND, ANSWER, DISPLAY, BATCH -> "Request";
            case FINDING -> "Finding";
        };
    }

    @ParameterizedTest
    @CsvSource({ "COPY, Copy", "FRAME, Frame" })
    void onlyWhatIsWantedIsRecorded(EventKind wanted, String sort) throws Exception {
        try (Recording recording = new Recording()) {
            for (var type : List.of("Lifetime", "Mapping", "Transfer", "CpuAccess", "CacheOperation", "Copy",
                    "Translation", "Frame", "Finding", "Request", "Named")) {
                if (!type.equals(sort)) recording.disable("sluice." + type);
            }
            recording.start();
            assertThat(sink.isOn()).isTrue();
            sink.name(1, "nobody asks");
            sink.record(wanted, 1, 0, 0, 0, 0, 0);
            sink.record(wanted == EventKind.FRAME ? EventKind.COPY : EventKind.FRAME, 1, 0, 0, 0, 0, 0);
            List<RecordedEvent> events = dump(recording);
            assertThat(events).hasSize(1);
            assertThat(events.getFirst().getEventType().getName()).isEqualTo("sluice." + sort);
        }
    }

    @Test
    void whatNobodyWantsMakesNoGarbage() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertThat(sink.isOn()).isFalse();
        for (int i = 0; i < 20_000; i++) sink.record(EventKind.COPY, i, 5, 2, 6, 7, 8, 9, TraceSink.NOW);
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 10_000; i++) sink.record(EventKind.COPY, i, 5, 2, 6, 7, 8, 9, TraceSink.NOW);
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    }
}
