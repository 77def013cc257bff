package sluice.vdev.trace;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;

/** The sums of a recording. */
public final class Summary {
    /** Limit of separately counted buffers and findings. Further ones are only in the totals. */
    static final int MOST_BUFFERS = 10_000;
    private static final int MOST_FINDINGS = 1000;

    private final RecordingHeader header;
    private final Names names;
    private final Work work = new Work();
    private final Map<Integer, BufferStory> buffers = new LinkedHashMap<>();
    private final Map<Integer, Long> findings = new TreeMap<>();
    private long events;
    private long firstNanoTime;
    private long lastNanoTime;
    private long eventsOfOtherBuffers;
    private Missed missed = Missed.NOTHING;

    private Summary(RecordingHeader header, Names names) {
        this.header = header;
        this.names = names;
    }

    /** Reads a recording once. */
    public static Summary of(Recording recording) throws IOException {
        Summary summary = new Summary(recording.header(), recording.names());
        EventCursor events = recording.events();
        for (Event event = events.next(); event != null; event = events.next()) summary.add(event);
        summary.missed = events.missed();
        return summary;
    }

    private void add(Event event) {
        if (events == 0) firstNanoTime = event.nanoTime();
        lastNanoTime = event.nanoTime();
        events++;
        work.add(event);
        if (event.buffer() != 0) addToBuffer(event);
        if (event.kind() == EventKind.FINDING
                && (findings.size() < MOST_FINDINGS || findings.containsKey(event.detail()))) {
            findings.merge(event.detail(), 1L, Long::sum);
        }
    }

    private void addToBuffer(Event event) {
        BufferStory story = buffers.get(event.buffer());
        if (story == null) {
            if (buffers.size() == MOST_BUFFERS) {
                eventsOfOtherBuffers++;
                return;
            }
            story = new BufferStory(event.buffer(), event.nanoTime());
            buffers.put(event.buffer(), story);
        }
        story.add(event);
    }

    RecordingHeader header() {
        return header;
    }

    Names names() {
        return names;
    }

    Work work() {
        return work;
    }

    /** By descending cost. */
    List<BufferStory> buffers() {
        List<BufferStory> sorted = new ArrayList<>(buffers.values());
        sorted.sort(Comparator.comparingLong(BufferStory::cost).reversed());
        return sorted;
    }

    /** Events of buffers beyond {@link #MOST_BUFFERS}. */
    long eventsOfOtherBuffers() {
        return eventsOfOtherBuffers;
    }

    /** Number of violations of each rule. */
    Map<Integer, Long> findings() {
        return findings;
    }

    /** Number of events read. */
    long events() {
        return events;
    }

    /** Time from the first to the last event read. */
    long nanos() {
        return lastNanoTime - firstNanoTime;
    }

    /** Events that could not be read. */
    public Missed missed() {
        return missed;
    }
}
