package sluice.vdev.profile;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Missed;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;
import sluice.vdev.profile.guest.GuestMatch;

/**
 * What a flight recording tells about the devices of a process.
 *
 * @param devices those with queues or frames
 * @param elsewhere what happened on other threads, such as those that decode
 * @param findings number of violations of each rule, by its number
 * @param nanos from the first event to the last
 * @param dropped intervals that were too many for one frame
 * @param guest what a guest has told of its driver, or null
 */
public record Profile(RecordingHeader header, Missed missed, List<DeviceProfile> devices, Tally elsewhere,
        Map<Integer, Long> findings, long events, long nanos, long dropped, @Nullable GuestMatch guest) {
    private static final int MOST_THREADS = 1024;
    private static final int MOST_FINDINGS = 1000;

    public Profile {
        devices = List.copyOf(devices);
        findings = Map.copyOf(findings);
    }

    /** Reads a recording once, with bounded state. */
    public static Profile of(Recording recording) throws IOException {
        return of(recording, null);
    }

    /**
     * The same with the guest's part.
     *
     * @param guest of the same recording, or null
     */
    public static Profile of(Recording recording, @Nullable GuestMatch guest) throws IOException {
        Names names = recording.names();
        EventCursor cursor = recording.events();
        boolean isWhole = recording.header().claimed() <= recording.header().capacity();
        Map<Integer, FrameAssembler> threads = new LinkedHashMap<>();
        Tally elsewhere = new Tally();
        Map<Integer, Long> findings = new LinkedHashMap<>();
        long events = 0;
        long first = 0;
        long last = 0;
        for (Event event = cursor.next(); event != null; event = cursor.next()) {
            if (events == 0 || event.nanoTime() - first < 0) first = event.nanoTime();
            if (events == 0 || event.nanoTime() - last > 0) last = event.nanoTime();
            events++;
            FrameAssembler assembler = assembler(threads, event.thread(), names, isWhole, guest);
            if (assembler == null) elsewhere.add(event);
            else assembler.add(event);
            if (event.kind() == EventKind.FINDING
                    && (findings.size() < MOST_FINDINGS || findings.containsKey(event.detail())))
                findings.merge(event.detail(), 1L, Long::sum);
        }
        List<DeviceProfile> devices = new ArrayList<>();
        long dropped = 0;
        for (FrameAssembler assembler : threads.values()) {
            DeviceProfile device = assembler.finished();
            dropped += assembler.dropped();
            if (device == null) elsewhere.add(assembler.all());
            else devices.add(device);
        }
        return new Profile(recording.header(), cursor.missed(), devices, elsewhere, findings, events, last - first,
                dropped, guest);
    }

    private static @Nullable FrameAssembler assembler(Map<Integer, FrameAssembler> threads, int thread, Names names,
            boolean isWhole, @Nullable GuestMatch guest) {
        FrameAssembler present = threads.get(thread);
        if (present == null && threads.size() < MOST_THREADS) {
            present = new FrameAssembler(thread, names, isWhole, guest);
            threads.put(thread, present);
        }
        return present;
    }

    /** All events together. */
    public Tally tally() {
        Tally all = new Tally();
        all.add(elsewhere);
        for (DeviceProfile device : devices) all.add(device.tally());
        return all;
    }
}
