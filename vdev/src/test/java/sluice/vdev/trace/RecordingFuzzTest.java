package sluice.vdev.trace;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Layout;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingException;
import sluice.dmacore.trace.recording.RecordingHeader;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Recordings of a fuzzer's making: a file is refused in a sentence, or each of its events is read or counted, in order, and every
 * way of showing it comes to an end.
 *
 * <p>An input is the used part of a header, and what follows the header.
 */
class RecordingFuzzTest {
    /** A ring that is empty but for its header takes long to go through; more is for the tests of large files. */
    private static final int MOST_RECORDS = 1 << 16;

    private static Map<String, byte[]> seeds() {
        Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("two-frames", RecordingBytes.shortened(Scenes.twoFrames().file()));
        seeds.put("overwritten", RecordingBytes.shortened(Scenes.overwritten().file()));
        seeds.put("empty", RecordingBytes.shortened(Scenes.empty().file()));
        seeds.put("cut-off", Arrays.copyOf(seeds.get("two-frames"), 700));
        seeds.put("in-the-names", Arrays.copyOf(seeds.get("two-frames"), 290));
        seeds.put("in-the-header", Arrays.copyOf(seeds.get("two-frames"), 100));
        byte[] torn = seeds.get("overwritten").clone();
        ByteBuffer.wrap(torn).order(ByteOrder.LITTLE_ENDIAN).putLong(Layout.HEADER_USED, -33);
        seeds.put("being-written", torn);
        byte[] future = seeds.get("empty").clone();
        ByteBuffer.wrap(future).order(ByteOrder.LITTLE_ENDIAN).putInt(Layout.VERSION_AT, Layout.VERSION + 1);
        seeds.put("of-the-future", future);
        byte[] strange = seeds.get("overwritten").clone();
        ByteBuffer.wrap(strange).order(ByteOrder.LITTLE_ENDIAN).putInt(Layout.HEADER_USED + Layout.KIND_AT,
                EventKind.values().length);
        seeds.put("a-strange-kind", strange);
        byte[] named = seeds.get("overwritten").clone();
        ByteBuffer.wrap(named).order(ByteOrder.LITTLE_ENDIAN).putLong(Layout.NAMES_DROPPED_AT, 1)
                .putInt(Layout.HEADER_USED + Layout.DETAIL_AT, 5)
                .putInt(Layout.HEADER_USED + Layout.KIND_AT, Layout.NAME_KIND);
        seeds.put("a-name-among-events", named);
        return seeds;
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(RecordingFuzzTest.class, "files", seeds());
    }

    @FuzzTest
    void files(byte[] input) throws IOException {
        Path file = Files.createTempFile("fuzz", ".rec");
        try {
            Files.write(file, RecordingBytes.lengthened(input));
            try (Recording recording = Recording.open(file)) {
                if (recording.header().capacity() <= MOST_RECORDS) look(recording);
            } catch (RecordingException e) {
                assertThat(e).hasMessageContaining(file.toString()).hasMessageMatching("[^\n]+");
            }
        } finally {
            Files.delete(file);
        }
    }

    private static void look(Recording recording) throws IOException {
        RecordingHeader header = recording.header();
        EventCursor events = recording.events();
        long last = 0;
        long read = 0;
        for (Event event = events.next(); event != null; event = events.next()) {
            assertThat(event.sequence()).isBetween(last + 1, header.claimed());
            last = event.sequence();
            read++;
        }
        Missed missed = events.missed();
        assertThat(read + missed.overwritten() + missed.unfinished() + missed.cutOff() + missed.unknown()
                + events.nameRecords())
                .as("every event that was claimed").isEqualTo(header.claimed());
        assertThat(events.next()).isNull();
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        Summary summary = Summary.of(recording);
        SummaryText.print(summary, out);
        assertThat(
                JsonParser.parseString(SummaryJson.of(summary).toString()).getAsJsonObject().get("events").getAsLong())
                .isEqualTo(read);
        Frames.print(recording, out);
        Timeline.print(recording, 1, out);
        CsvExport.print(recording, out);
        StringWriter chrome = new StringWriter();
        ChromeExport.write(recording, chrome);
        assertThat(
                JsonParser.parseString(chrome.toString()).getAsJsonObject().get("traceEvents").getAsJsonArray().size())
                .isGreaterThanOrEqualTo((int) read);
    }
}
