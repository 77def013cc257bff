package sluice.vdev.trace;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Recording;

import static org.assertj.core.api.Assertions.assertThat;

/** What people and programs are shown of a recording that is known. */
class ReportsTest {
    @TempDir
    private Path folder;

    private final StringWriter text = new StringWriter();
    private final PrintWriter out = new PrintWriter(text);

    private Recording open(RecordingBytes scene) throws IOException {
        return Recording.open(Files.write(folder.resolve("scene.rec"), scene.file()));
    }

    private List<String> lines() {
        return text.toString().lines().map(line -> line.strip().replaceAll(" +", " ")).toList();
    }

    @Test
    void theSummaryAddsUp() throws IOException {
        try (Recording recording = open(Scenes.twoFrames())) {
            SummaryText.print(Summary.of(recording), out);
        }
        assertThat(lines()).containsExactly(
                "process 4711, recording since 2026-11-21T06:00:00Z, ended normally",
                "17 events in 318 µs, 1 of them findings",
                "missing: 0 overwritten, 0 lost, 0 unfinished, 0 cut off, 0 of unknown kind",
                "", "kind events bytes time", "EXPORT 1", "RELEASE 1", "ATTACH 1", "MAP 1 8.00 KiB 2.50 µs",
                "UNMAP 1 8.00 KiB 1.50 µs", "WRITE_BACK 2 2.00 KiB 600 ns", "SKIP 2 6.00 KiB",
                "MISS 1 4.00 KiB 90.0 µs",
                "COPY 2 8.00 KiB 40.0 µs", "FRAME 2", "FINDING 1", "TRANSLATE 2 8.00 KiB 1.40 µs", "",
                "buffer name size transfers attached flushed skipped copied lifetime",
                "1 screen \"one\" 8.00 KiB 2 1 2.00 KiB 600 ns 6.00 KiB 8.00 KiB 40.0 µs 318 µs", "",
                "hint: D17_OVERLAPPING_WRITES was broken once: one device at a time may write a cache line");
    }

    @Test
    void theSummaryForMachinesSaysTheSame() throws IOException {
        JsonObject json;
        try (Recording recording = open(Scenes.twoFrames())) {
            json = SummaryJson.of(Summary.of(recording));
        }
        assertThat(json.get("events").getAsInt()).isEqualTo(17);
        assertThat(json.get("nanos").getAsInt()).isEqualTo(318_000);
        assertThat(json.getAsJsonObject("findings").get("D17_OVERLAPPING_WRITES").getAsInt()).isEqualTo(1);
        assertThat(json.getAsJsonObject("kinds").getAsJsonObject("MISS").get("nanos").getAsInt()).isEqualTo(90_000);
        JsonObject buffer = json.getAsJsonArray("buffers").get(0).getAsJsonObject();
        assertThat(buffer.get("name").getAsString()).isEqualTo("screen \"one\"");
        assertThat(buffer.get("size").getAsInt()).isEqualTo(8192);
        assertThat(buffer.get("gone").getAsBoolean()).isTrue();
        assertThat(buffer.getAsJsonObject("transfers").get("events").getAsInt()).isEqualTo(2);
        assertThat(buffer.getAsJsonObject("flushed").get("bytes").getAsInt()).isEqualTo(2048);
        assertThat(buffer.getAsJsonObject("copied").get("nanos").getAsInt()).isEqualTo(40_000);
        assertThat(buffer.getAsJsonObject("kinds").getAsJsonObject("SKIP").get("bytes").getAsInt()).isEqualTo(6144);
    }

    @Test
    void aBufferWhoseBeginningIsOverwrittenHasNoSize() throws IOException {
        try (Recording recording = open(Scenes.overwritten())) {
            Summary summary = Summary.of(recording);
            assertThat(summary.missed()).isEqualTo(new Missed(22, 0, 0, 0));
            SummaryText.print(summary, out);
        }
        assertThat(lines()).contains("2 #2 ? 0 0 - - 192 B 30 ns …6.00 µs…");
    }

    @Test
    void moreBuffersThanAreKeptAreCounted() throws IOException {
        RecordingBytes many = new RecordingBytes(1 << 14, 0);
        for (int i = 1; i <= Summary.MOST_BUFFERS + 5; i++) many.record(EventKind.COPY, i, 0, 0, 0, 0, i);
        try (Recording recording = open(many)) {
            Summary summary = Summary.of(recording);
            assertThat(summary.buffers()).hasSize(Summary.MOST_BUFFERS);
            assertThat(summary.eventsOfOtherBuffers()).isEqualTo(5);
            SummaryText.print(summary, out);
        }
        assertThat(lines()).contains("and 9,960 buffers that cost less; --json lists them",
                "and 5 events of more than 10,000 buffers");
    }

    @Test
    void framesHaveWhatCameSinceTheFrameBefore() throws IOException {
        try (Recording recording = open(Scenes.twoFrames())) {
            assertThat(Frames.print(recording, out)).isEqualTo(new Frames.Printed(2, Missed.NOTHING));
        }
        assertThat(lines()).containsExactly(
                "device frame seconds copied mapped flushed skipped translated missed faults findings",
                "gpu0 1 +0.000161000 4.00 KiB 20.0 µs 8.00 KiB 2.50 µs 1.00 KiB 300 ns 3.00 KiB 4.00 KiB 700 ns - 0 0",
                "gpu0 2 +0.000311000 4.00 KiB 20.0 µs - 1.00 KiB 300 ns 3.00 KiB 4.00 KiB 700 ns - 0 0",
                "later - - - - - 4.00 KiB 90.0 µs 0 1");
    }

    @Test
    void aRuleOfALaterSluiceHasItsNumber() throws IOException {
        RecordingBytes later = new RecordingBytes(8, 0);
        later.record(EventKind.FINDING, 0, 0, 999, 0, 0, 0);
        try (Recording recording = open(later)) {
            SummaryText.print(Summary.of(recording), out);
        }
        assertThat(lines().getLast()).isEqualTo("rule 999 was broken once");
    }

    @Test
    void aTimelineHasTheEventsOfOneBuffer() throws IOException {
        try (Recording recording = open(Scenes.twoFrames())) {
            assertThat(Timeline.print(recording, 1, out).events()).isEqualTo(16);
            assertThat(Timeline.print(recording, 77, out).events()).isZero();
        }
        assertThat(lines()).hasSize(18).contains("screen \"one\"",
                "+0.000011000 MAP to device gpu0 0x0 + 8.00 KiB in 2.50 µs",
                "+0.000111000 SKIP write-back gpu0 0x1000 + 4.00 KiB 3.00 KiB",
                "+0.000161000 COPY to device gpu0 0x0 + 4.00 KiB 4.00 KiB in 20.0 µs",
                "+0.000312000 FINDING D17_OVERLAPPING_WRITES gpu0 0x40 + 64 B");
    }

    @Test
    void anAttachmentHasATimelineToo() throws IOException {
        try (Recording recording = open(Scenes.twoFrames())) {
            assertThat(Timeline.print(recording, 2, out).events()).isEqualTo(14);
        }
        assertThat(lines().getFirst()).isEqualTo("gpu0");
    }

    @Test
    void commaSeparatedValuesAreQuotedAndUnsigned() throws IOException {
        try (Recording recording = open(Scenes.twoFrames())) {
            assertThat(CsvExport.print(recording, out)).isEqualTo(Missed.NOTHING);
        }
        assertThat(text.toString().split("\r\n", -1)).hasSize(19).contains(
                "3,11000,MAP,1,\"screen \"\"one\"\"\",2,\"gpu0\",1,0,8192,0,2500",
                "15,312000,MISS,0,,0,,1,18446744073709547520,4096,4096,90000", "");
    }

    private static List<JsonObject> with(JsonArray events, String key, String value) {
        return events.asList().stream().map(JsonElement::getAsJsonObject)
                .filter(event -> event.get(key).getAsString().equals(value)).toList();
    }

    @Test
    void chromeShowsATrackForEachBufferAndAttachment() throws IOException {
        try (Recording recording = open(Scenes.twoFrames())) {
            assertThat(ChromeExport.write(recording, text)).isEqualTo(Missed.NOTHING);
        }
        JsonArray events = JsonParser.parseString(text.toString()).getAsJsonObject().getAsJsonArray("traceEvents");
        assertThat(with(events, "name", "thread_name"))
                .extracting(event -> event.get("tid") + "=" + event.getAsJsonObject("args").get("name").getAsString())
                .containsExactlyInAnyOrder("0=device", "1=screen \"one\"", "2=gpu0");
        JsonObject map = with(events, "name", "MAP").getFirst();
        assertThat(map.get("ph").getAsString()).isEqualTo("X");
        assertThat(map.get("tid").getAsInt()).isEqualTo(2);
        // It is told when it is over: at 11 µs, after 2.5 µs.
        assertThat(map.get("ts").getAsBigDecimal()).isEqualTo(new BigDecimal("8.500"));
        assertThat(map.get("dur").getAsBigDecimal()).isEqualTo(new BigDecimal("2.500"));
        assertThat(with(events, "name", "mapped"))
                .extracting(event -> event.get("ph").getAsString() + event.get("ts").getAsBigDecimal())
                .containsExactly("b11.000", "e315.500");
        assertThat(with(events, "name", "FINDING")).hasSize(1).first()
                .returns("i", event -> event.get("ph").getAsString())
                .returns("D17_OVERLAPPING_WRITES", event -> event.getAsJsonObject("args").get("detail").getAsString());
        assertThat(with(events, "name", "bytes of a frame")).hasSize(2).last()
                .returns(4096, event -> event.getAsJsonObject("args").get("copied").getAsInt())
                .returns(1024, event -> event.getAsJsonObject("args").get("flushed").getAsInt())
                .returns(3072, event -> event.getAsJsonObject("args").get("skipped").getAsInt());
    }
}
