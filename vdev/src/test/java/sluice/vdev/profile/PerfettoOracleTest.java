package sluice.vdev.profile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.fixture.RingKind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * The trace as the compiler of Protocol Buffers reads it by Perfetto's schema, which shares no code with us; and what Perfetto's importer
 * requires of the sequence of packets.
 */
@Timeout(120)
class PerfettoOracleTest {
    private static final Path PROTOC = Path.of("/usr/bin/protoc");
    private static final String SCHEMA = "/sluice/vdev/profile/perfetto.proto";
    private static final int FRAMES = 20;
    private static final int CLEARED = 1;
    private static final int NEEDED = 2;

    @TempDir
    private Path folder;

    /** A message in the text format of Protocol Buffers: fields by name, in order. */
    private record Message(Map<String, List<Object>> fields) {
        static Message read(Iterator<String> lines) {
            Message message = new Message(new HashMap<>());
            while (lines.hasNext()) {
                String line = lines.next().strip();
                if (line.equals("}")) return message;
                boolean isMessage = line.endsWith(" {");
                String name = isMessage ? line.substring(0, line.length() - 2) : line.substring(0, line.indexOf(": "));
                assertThat(name).as("fields and values that the schema has not are shown as numbers").doesNotMatch(
                        "[0-9].*");
                message.fields.computeIfAbsent(name, _ -> new ArrayList<>())
                        .add(isMessage ? read(lines) : line.substring(name.length() + 2));
            }
            return message;
        }

        List<Message> messages(String name) {
            return fields.getOrDefault(name, List.of()).stream().map(Message.class::cast).toList();
        }

        boolean has(String name) {
            return fields.containsKey(name);
        }

        String text(String name) {
            List<Object> all = fields.getOrDefault(name, List.of());
            assertThat(all).as(name).hasSize(1);
            return String.valueOf(all.getFirst());
        }

        long number(String name) {
            return Long.parseUnsignedLong(text(name));
        }
    }

    private Message decoded(Path trace) throws IOException, InterruptedException {
        try (var schema = PerfettoOracleTest.class.getResourceAsStream(SCHEMA)) {
            Files.copy(java.util.Objects.requireNonNull(schema), folder.resolve("perfetto.proto"));
        }
        Path text = folder.resolve("text");
        Process protoc = new ProcessBuilder(PROTOC.toString(), "--decode=perfetto.protos.Trace", "-I",
                folder.toString(), "perfetto.proto").redirectInput(trace.toFile()).redirectOutput(text.toFile())
                .redirectError(folder.resolve("errors").toFile()).start();
        assertThat(protoc.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(folder.resolve("errors")).content().isEmpty();
        assertThat(protoc.exitValue()).isZero();
        return Message.read(Files.readAllLines(text).iterator());
    }

    @Test
    void protocReadsTheTraceBySchemaAndItsSequenceIsSound() throws Exception {
        assumeTrue(Files.isExecutable(PROTOC), "protoc is not installed");
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, 4096);
        try (device) {
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        device.folder().write(CostModel.PRESETS);
        Sequence sequence = new Sequence();
        List<Message> packets = decoded(device.folder().trace()).messages("packet");
        packets.forEach(sequence::add);
        sequence.requireEnd();
        assertThat(packets.getFirst().has("clock_snapshot")).as("times mean nothing before").isTrue();
        assertThat(sequence.slices.keySet()).anyMatch(name -> name.startsWith("frame "));
        assertThat(sequence.slices.entrySet().stream().filter(one -> one.getKey().startsWith("frame "))
                .mapToInt(Map.Entry::getValue).sum()).isEqualTo(FRAMES);
        assertThat(sequence.slices).containsKeys("queue wait", "device", "response", "interrupt");
        assertThat(sequence.counted).isPositive();
    }

    /** What the importer keeps while it reads packets in their order. */
    private static final class Sequence {
        private final Set<Long> tracks = new HashSet<>();
        private final Set<Long> counters = new HashSet<>();
        private final Map<Long, String> names = new HashMap<>();
        private final Map<Long, Deque<String>> open = new HashMap<>();
        private final Map<Long, Long> last = new HashMap<>();
        private final Map<String, Integer> slices = new HashMap<>();
        private boolean isCleared;
        private int counted;

        void add(Message packet) {
            assertThat(packet.number("trusted_packet_sequence_id")).isEqualTo(1);
            long flags = packet.has("sequence_flags") ? packet.number("sequence_flags") : 0;
            if ((flags & CLEARED) != 0) isCleared = true;
            for (Message descriptor : packet.messages("track_descriptor")) describe(descriptor);
            for (Message interned : packet.messages("interned_data"))
                for (Message name : interned.messages("event_names"))
                    assertThat(names.put(name.number("iid"), name.text("name"))).as("a name is given once").isNull();
            for (Message event : packet.messages("track_event")) {
                assertThat(isCleared && (flags & NEEDED) != 0).as("interned names need the sequence's state").isTrue();
                event(packet.number("timestamp"), event);
            }
        }

        private void describe(Message descriptor) {
            if (descriptor.has("parent_uuid")) assertThat(tracks).contains(descriptor.number("parent_uuid"));
            assertThat(descriptor.text("name")).isNotEqualTo("\"\"");
            assertThat(tracks.add(descriptor.number("uuid"))).as("a track is described once").isTrue();
            if (descriptor.has("counter")) counters.add(descriptor.number("uuid"));
        }

        private void event(long time, Message event) {
            long track = event.number("track_uuid");
            assertThat(tracks).as("a track is described before its events").contains(track);
            boolean counts = event.text("type").equals("TYPE_COUNTER");
            assertThat(counters.contains(track)).isEqualTo(counts);
            assertThat(time).as("time does not go back on a track").isGreaterThanOrEqualTo(
                    last.getOrDefault(track, 0L));
            last.put(track, time);
            Deque<String> inside = open.computeIfAbsent(track, _ -> new ArrayDeque<>());
            switch (event.text("type")) {
                case "TYPE_COUNTER" -> {
                    assertThat(event.has("counter_value")).isTrue();
                    counted++;
                }
                case "TYPE_SLICE_BEGIN" -> {
                    String name = names.get(event.number("name_iid"));
                    if (name == null) throw new AssertionError("a name is given before it is used: " + event);
                    inside.push(name);
                    slices.merge(name.replace("\"", ""), 1, Integer::sum);
                }
                case "TYPE_SLICE_END" -> assertThat(inside.poll()).as("what ends has begun").isNotNull();
                case "TYPE_INSTANT" -> assertThat(names).containsKey(event.number("name_iid"));
                default -> throw new AssertionError(event);
            }
        }

        void requireEnd() {
            assertThat(open.values()).as("all slices end").allMatch(Deque::isEmpty);
        }
    }
}
