package sluice.dmacore.buffer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/** The events of a buffer's life in a recording. */
class RecordedCoreTest {
    @TempDir
    private Path folder;

    @Test
    void aBuffersLifeIsRecorded() throws Exception {
        Path file = folder.resolve("core.rec");
        long beforeUnmap;
        try (FlightRecorder recorder = FlightRecorder.start(RecorderOptions.of(file))) {
            assertThat(recorder.awaitOpen()).isTrue();
            try (Machine machine = Machine.with(DmaCoreOptions.counting().withTrace(recorder))) {
                DmaBuf buffer = machine.guest("frame", machine.file(2), 0, 1);
                Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
                DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
                mapping.syncForCpu();
                mapping.syncForDevice();
                beforeUnmap = System.nanoTime();
                mapping.unmap();
                attachment.detach();
                machine.found();
            }
        }
        try (Recording recording = Recording.open(file)) {
            List<Event> events = events(recording);
            assertThat(events).extracting(Event::kind).containsSubsequence(EventKind.EXPORT, EventKind.ATTACH,
                    EventKind.MAP, EventKind.SYNC_FOR_CPU, EventKind.SYNC_FOR_DEVICE, EventKind.UNMAP,
                    EventKind.DETACH, EventKind.RELEASE);
            assertThat(only(events, EventKind.WRITE_BACK)).extracting(Event::bytes).containsOnly(2L * PAGE);
            assertThat(only(events, EventKind.EXPORT)).singleElement().extracting(Event::length).isEqualTo(2L * PAGE);
            Event unmap = only(events, EventKind.UNMAP).getFirst();
            assertThat(unmap.nanoTime() - unmap.nanos()).as("it took no longer than the call")
                    .isGreaterThanOrEqualTo(beforeUnmap);
            Names names = recording.names();
            assertThat(names.of(unmap.buffer())).isEqualTo("frame");
            assertThat(names.of(unmap.attachment())).startsWith("display/");
        }
    }

    @Test
    void eachFindingIsOneOfItsBuffer() throws Exception {
        Path file = folder.resolve("core.rec");
        int number;
        int attached;
        try (FlightRecorder recorder = FlightRecorder.start(RecorderOptions.of(file))) {
            assertThat(recorder.awaitOpen()).isTrue();
            try (Machine machine = Machine.with(DmaCoreOptions.counting().withTrace(recorder))) {
                DmaBuf buffer = machine.guest("frame", machine.file(2), 0, 1);
                number = buffer.number();
                Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
                attached = attachment.number();
                DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
                for (int i = 0; i < 3; i++) {
                    mapping.syncForCpu();
                    mapping.syncForCpu();
                    mapping.syncForDevice();
                }
                mapping.unmap();
                attachment.detach();
                machine.about(Rule.REDUNDANT_SYNC, "[0x0, 0x1fff]");
                machine.found(Rule.REDUNDANT_SYNC);
            }
        }
        try (Recording recording = Recording.open(file)) {
            assertThat(only(events(recording), EventKind.FINDING)).hasSize(3).allSatisfy(finding -> {
                assertThat(finding.buffer()).isEqualTo(number);
                assertThat(finding.attachment()).isEqualTo(attached);
                assertThat(finding.detail()).isEqualTo(Rule.REDUNDANT_SYNC.number());
                assertThat(finding.length()).isEqualTo(2L * PAGE);
            });
        }
    }

    private static List<Event> only(List<Event> events, EventKind kind) {
        return events.stream().filter(event -> event.kind() == kind).toList();
    }

    private static List<Event> events(Recording recording) throws IOException {
        List<Event> events = new ArrayList<>();
        EventCursor cursor = recording.events();
        for (Event event = cursor.next(); event != null; event = cursor.next()) events.add(event);
        return events;
    }
}
