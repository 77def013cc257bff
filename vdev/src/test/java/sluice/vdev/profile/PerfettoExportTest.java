package sluice.vdev.profile;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.fixture.RingKind;
import sluice.vdev.profile.ProtoReader.Field;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

/**
 * The trace, read by a parser of its own with the field numbers of Perfetto's public protos, by the rules of its importer: interned
 * names of one sequence, slices that nest in their track, tracks with a parent.
 */
class PerfettoExportTest {
    private static final int FRAMES = 4;

    /** A slice as the importer would make it. */
    private record Slice(String track, String name, long start, long end) {}

    private record Track(long parent, String name, boolean isCounter) {}

    @TempDir
    private Path folder;
    private final Map<Long, Track> tracks = new HashMap<>();
    private final List<Slice> slices = new ArrayList<>();
    private final Map<String, List<Long>> counters = new HashMap<>();
    private Profile profile;

    /** What was said before of a number, such as an interned name. */
    private static <T> T known(Map<Long, T> all, long number) {
        T found = all.get(number);
        if (found == null) throw new AssertionError("nothing was said before of " + number);
        return found;
    }

    private String path(long track) {
        Track of = known(tracks, track);
        return of.parent() == 0 ? of.name() : path(of.parent()) + "/" + of.name();
    }

    @BeforeEach
    void traceSomeFrames() throws Exception {
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, 4096);
        try (device) {
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        profile = device.folder().write(CostModel.PRESETS);
        parse(Files.readAllBytes(device.folder().trace()));
    }

    private void parse(byte[] trace) {
        Map<Long, String> names = new HashMap<>();
        Map<Long, Deque<long[]>> open = new HashMap<>();
        Map<Long, Deque<String>> openNames = new HashMap<>();
        boolean cleared = false;
        for (Field packetField : ProtoReader.read(trace)) {
            assertThat(packetField.number()).as("Trace.packet").isEqualTo(1);
            List<Field> packet = packetField.message();
            assertThat(ProtoReader.number(packet, 10)).as("trusted_packet_sequence_id").isPositive();
            for (Field interned : ProtoReader.all(packet, 12))
                for (Field name : ProtoReader.all(interned.message(), 2))
                    names.put(ProtoReader.number(name.message(), 1),
                            ProtoReader.find(name.message(), 2).orElseThrow().text());
            for (Field described : ProtoReader.all(packet, 60)) {
                List<Field> track = described.message();
                Track before = tracks.put(ProtoReader.number(track, 1),
                        new Track(ProtoReader.find(track, 5).map(Field::value).orElse(0L),
                                ProtoReader.find(track, 2).orElseThrow().text(),
                                ProtoReader.find(track, 8).isPresent()));
                assertThat(before).as("a track twice").isNull();
            }
            long flags = ProtoReader.find(packet, 13).map(Field::value).orElse(0L);
            if ((flags & 1) != 0) cleared = true;
            for (Field eventField : ProtoReader.all(packet, 11)) {
                assertThat(cleared).as("the state of the sequence is cleared before its first event").isTrue();
                assertThat(flags).as("SEQ_NEEDS_INCREMENTAL_STATE").isEqualTo(2);
                List<Field> event = eventField.message();
                long time = ProtoReader.number(packet, 8);
                long track = ProtoReader.number(event, 11);
                assertThat(known(tracks, track).isCounter()).isEqualTo(ProtoReader.number(event, 9) == 4);
                switch ((int) ProtoReader.number(event, 9)) {
                    case 1 -> {
                        open.computeIfAbsent(track, _ -> new ArrayDeque<>()).push(new long[]{ time });
                        String name = known(names, ProtoReader.number(event, 10));
                        openNames.computeIfAbsent(track, _ -> new ArrayDeque<>()).push(name);
                    }
                    case 2 -> {
                        long start = known(open, track).pop()[0];
                        assertThat(time).isGreaterThanOrEqualTo(start);
                        slices.add(new Slice(path(track), known(openNames, track).pop(), start, time));
                    }
                    case 3 -> assertThat(names.get(ProtoReader.number(event, 10))).isNotNull();
                    case 4 -> counters.computeIfAbsent(path(track), _ -> new ArrayList<>())
                            .add(ProtoReader.number(event, 30));
                    default -> throw new AssertionError("type of an event");
                }
            }
        }
        assertThat(open.values()).as("slices without an end").allMatch(Deque::isEmpty);
    }

    @Test
    void aTrackHasTheFrames() {
        List<Frame> frames = profile.devices().getFirst().frames();
        assertThat(slices).filteredOn(slice -> slice.track().equals("Sluice/staged/frames"))
                .extracting(Slice::name, slice -> slice.end() - slice.start())
                .containsExactlyElementsOf(frames.stream()
                        .map(frame -> tuple("frame " + frame.number(), frame.nanos())).toList());
    }

    @Test
    void aTrackHasTheRequestsOfAQueueWithTheirParts() {
        List<Slice> queue = slices.stream().filter(slice -> slice.track().equals("Sluice/staged/staged: main"))
                .toList();
        for (String name : List.of("FIRST", "SECOND", "device", "response"))
            assertThat(queue).filteredOn(slice -> slice.name().equals(name)).as(name)
                    .hasSize(name.equals("FIRST") || name.equals("SECOND") ? FRAMES : 2 * FRAMES);
        Slice request = queue.stream().filter(slice -> slice.name().equals("SECOND")).findFirst().orElseThrow();
        long parts = queue.stream().filter(slice -> slice.start() >= request.start() && slice.end() <= request.end())
                .filter(slice -> !slice.equals(request)).mapToLong(slice -> slice.end() - slice.start()).sum();
        assertThat(parts).isEqualTo(request.end() - request.start());
    }

    @Test
    void aTrackHasTheWorkInTheOrderOfItsNesting() {
        List<Slice> work = slices.stream().filter(slice -> slice.track().equals("Sluice/staged/work")).toList();
        assertThat(work).extracting(Slice::name).contains("TRANSLATE", "SYNC_FOR_DEVICE", "WRITE_BACK", "COPY",
                "DISPLAY",
                "interrupt");
        Slice outer = work.stream().filter(slice -> slice.name().equals("SYNC_FOR_DEVICE")).findFirst().orElseThrow();
        Slice inner = work.stream().filter(slice -> slice.name().equals("WRITE_BACK")).findFirst().orElseThrow();
        assertThat(outer.start()).isLessThanOrEqualTo(inner.start());
        assertThat(outer.end()).isGreaterThanOrEqualTo(inner.end());
    }

    @Test
    void countersAreBeside() {
        assertThat(counters.get("Sluice/staged/copied")).hasSize(FRAMES).containsOnly(4096L);
        assertThat(counters.get("Sluice/staged/written back and invalidated")).containsOnly(4096L);
        assertThat(counters.get("Sluice/staged/staged: main: depth")).hasSize(2 * FRAMES).containsOnly(1L);
    }

    @Test
    void theFirstPacketTellsTheClock() throws Exception {
        List<Field> first = ProtoReader.read(Files.readAllBytes(folder.resolve("trace.pftrace"))).getFirst().message();
        List<Field> snapshot = ProtoReader.find(first, 6).orElseThrow().message();
        assertThat(ProtoReader.number(snapshot, 2)).as("primary_trace_clock: BUILTIN_CLOCK_MONOTONIC").isEqualTo(3);
        assertThat(ProtoReader.all(snapshot, 1)).extracting(clock -> ProtoReader.number(clock.message(), 1))
                .containsExactly(3L,
                        1L);
    }

    @Test
    void numbersOfAnySizeAreWritten() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        new ProtoMessage().number(1, -1).number(200, Long.MAX_VALUE).fixed(3, Long.MIN_VALUE).text(4, "ä".repeat(300))
                .writeTo(out);
        List<Field> read = ProtoReader.read(out.toByteArray());
        assertThat(read).extracting(Field::number).containsExactly(1, 200, 3, 4);
        assertThat(read).extracting(Field::value).containsExactly(-1L, Long.MAX_VALUE, Long.MIN_VALUE, 0L);
        assertThat(read.getLast().text()).isEqualTo("ä".repeat(300));
    }

    @Test
    void slicesThatOverlapAreOnTracksOfTheirOwn() throws Exception {
        Slices overlapping = new Slices();
        overlapping.add(0, "a", 0, 10);
        overlapping.add(0, "b", 5, 15);
        overlapping.add(0, "c", 6, 9);
        overlapping.add(0, "d", 12, 11);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PerfettoWriter writer = new PerfettoWriter(out);
        writer.clocks(0, 0);
        List<Integer> lanes = new ArrayList<>();
        tracks.clear();
        slices.clear();
        overlapping.write(writer, (group, lane) -> {
            lanes.add(lane);
            writer.process(100 + lane, 1, "lane " + lane);
            return 100L + lane;
        });
        parse(out.toByteArray());
        assertThat(lanes).containsExactly(0, 1);
        assertThat(slices).containsExactlyInAnyOrder(new Slice("lane 0", "a", 0, 10), new Slice("lane 1", "b", 5, 15),
                new Slice("lane 0", "c", 6, 9));
        assertThat(overlapping.dropped()).as("ends before it begins").isEqualTo(1);
    }
}
