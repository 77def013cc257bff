package sluice.vdev.profile;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Rule;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;
import sluice.dmacore.trace.recording.RecordingHeader;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;
import sluice.vdev.profile.guest.GuestTimes;
import sluice.vdev.profile.guest.GuestTrace;

/**
 * A flight recording as a trace in Perfetto's native format, which ui.perfetto.dev and {@code trace_processor} open: for each device a
 * track of its frames, one for each queue, one for the work of its thread, and counters.
 *
 * <p>Requests that are with the device at the same time are on tracks of their own. All times of one trace are in memory, up to a limit.
 */
public final class PerfettoExport {
    private static final long PROCESS = 1;
    /** The "thread" of the guest's groups, and its place among the devices; the threads of a recording are not negative. */
    private static final int GUEST = -1;
    private static final String GUEST_NAME = "guest";
    /** No process of the host has a number from here: PID_MAX_LIMIT of the kernel. */
    private static final long GUEST_PID = 1 << 22;
    private static final int MOST_DONE = 1 << 16;
    private static final long MOST_NANOS = 1L << 42;
    /** A call of the guest does not take a second to the device. */
    private static final long MOST_WAY = 1_000_000_000;

    /** A kind of track of a device: its frames, its work, or a queue by its number. */
    private record Group(int thread, String name) {}

    private record Done(long kicked, long taken, long done, int name, @Nullable GuestTimes guest) {}
    /** A request of a batch, whose slice is there. */
    private static final Done TOLD = new Done(0, 0, 0, -1, null);

    private final PerfettoWriter out;
    private final RecordingHeader header;
    private final Names names;
    private final Slices slices = new Slices();
    private final Map<Group, Integer> groups = new HashMap<>();
    private final List<Group> byNumber = new ArrayList<>();
    /** What has happened on each thread since its last frame. */
    private final Map<Integer, Tally> threads = new HashMap<>();
    private final Map<Integer, Deque<Done>> queues = new HashMap<>();
    private final Map<String, Long> tracks = new HashMap<>();
    private long lastUuid = PROCESS;
    /** Names of devices by their threads. */
    private final Map<Integer, String> devices;
    private final @Nullable GuestMatch guest;

    private PerfettoExport(PerfettoWriter out, RecordingHeader header, Names names, Map<Integer, String> devices,
            @Nullable GuestMatch guest) {
        this.guest = guest;
        this.devices = devices;
        this.out = out;
        this.header = header;
        this.names = names;
    }

    /**
     * Writes the trace.
     *
     * @param profile of the same recording
     * @return number of slices that were left out, because there are too many
     */
    public static long write(Recording recording, Profile profile, OutputStream to) throws IOException {
        Map<Integer, String> devices = new HashMap<>();
        for (DeviceProfile device : profile.devices()) devices.put(device.thread(), device.name());
        PerfettoExport export = new PerfettoExport(new PerfettoWriter(to), recording.header(), recording.names(),
                devices, profile.guest());
        export.run(recording, profile);
        return export.slices.dropped();
    }

    private void run(Recording recording, Profile profile) throws IOException {
        out.clocks(header.startNanoTime(), header.startEpochNanos());
        out.process(PROCESS, header.pid(), "Sluice");
        EventCursor events = recording.events();
        for (Event event = events.next(); event != null; event = events.next()) {
            Tally since = threads.computeIfAbsent(event.thread(), _ -> new Tally());
            since.add(event);
            write(event, since);
        }
        for (DeviceProfile device : profile.devices()) {
            int group = group(device.thread(), "frames");
            for (Frame frame : device.frames())
                slices.add(group, "frame " + Long.toUnsignedString(frame.number()), frame.start(), frame.end());
        }
        guest();
        slices.write(out, (group, lane) -> {
            Group of = byNumber.get(group);
            return track(device(of.thread()), lane == 0 ? of.name() : of.name() + " (" + (lane + 1) + ")");
        });
    }

    /** Interrupts, fences and all else that the guest has told. */
    private void guest() throws IOException {
        GuestMatch told = guest;
        GuestClock clock = told == null ? null : told.clock();
        if (told == null || clock == null) return;
        for (GuestTrace.Other event : told.others())
            out.instant(track(GUEST_NAME, kind(event.name())), clock.host(event.nanos()),
                    event.name() + (event.fields().isEmpty() ? "" : ": " + event.fields()));
    }

    private static String kind(String event) {
        if (event.equals("interrupt") || event.equals("irq_handler_entry")) return "interrupts";
        if (event.startsWith("dma_fence")) return "fences";
        return event.startsWith("dma_") ? "DMA API" : event.startsWith("drm_") ? "display" : "other events";
    }

    private void write(Event event, Tally since) throws IOException {
        long start = event.nanoTime() - Math.clamp(event.nanos(), 0, MOST_NANOS);
        switch (event.kind()) {
            case COMMAND -> {
                long kicked = start - Math.clamp(event.from(), 0, MOST_NANOS);
                Deque<Done> done = queues.computeIfAbsent(event.attachment(), _ -> new ArrayDeque<>());
                if (done.size() == MOST_DONE) done.remove();
                done.add(new Done(kicked, start, event.nanoTime(), event.detail(),
                        guest == null ? null : guest.times(event)));
                if (event.length() > 0)
                    out.count(counter(event, names.of(event.attachment()) + ": depth", PerfettoWriter.UNIT_COUNT),
                            start,
                            event.length());
            }
            case BATCH -> {
                slices.add(group(event.thread(), names.of(event.attachment())),
                        event.length() + " × " + (event.detail() == 0 ? "request" : names.of(event.detail())), start,
                        event.nanoTime());
                Deque<Done> done = queues.computeIfAbsent(event.attachment(), _ -> new ArrayDeque<>());
                for (long i = 0; i < Math.min(event.length(), MOST_DONE); i++) {
                    if (done.size() == MOST_DONE) done.remove();
                    done.add(TOLD);
                }
            }
            case ANSWER -> answered(event);
            case FRAME -> {
                out.count(counter(event, "copied", PerfettoWriter.UNIT_BYTES), event.nanoTime(),
                        since.bytes(EventKind.COPY, EventKind.BOUNCE, EventKind.MOVE));
                out.count(counter(event, "written back and invalidated", PerfettoWriter.UNIT_BYTES), event.nanoTime(),
                        since.bytes(EventKind.WRITE_BACK, EventKind.INVALIDATE));
                out.count(counter(event, "skipped", PerfettoWriter.UNIT_BYTES), event.nanoTime(),
                        since.bytes(EventKind.SKIP));
                threads.put(event.thread(), new Tally());
            }
            case CALL -> called(event, start);
            case FAULT -> instant(event, "fault at 0x" + Long.toHexString(event.from()));
            case FINDING -> instant(event, ruleName(event.detail()));
            default -> {
                if (event.nanos() > 0)
                    slices.add(group(event.thread(), "work"), event.kind() + subject(event), start, event.nanoTime());
            }
        }
    }

    /** A call of the guest's kernel: what we do for it, and at the guest from when it told until it could go on. */
    private void called(Event event, long start) {
        String name = event.detail() == 0 ? "call" : names.of(event.detail());
        slices.add(group(event.thread(), "calls of the guest's kernel"), name, start, event.nanoTime());
        GuestMatch match = guest;
        GuestClock clock = match == null || match.calls() == 0 ? null : match.clock();
        if (clock == null) return;
        long told = clock.host(event.bytes());
        // One of a boot before, or of another guest.
        if (start - told > MOST_WAY || told - start > MOST_WAY) return;
        slices.add(group(GUEST, "DMA calls"), name, Math.min(told, start), event.nanoTime());
    }

    private void answered(Event event) {
        Deque<Done> done = queues.getOrDefault(event.attachment(), new ArrayDeque<>());
        int group = group(event.thread(), names.of(event.attachment()));
        for (long i = 0; i < event.length() && !done.isEmpty(); i++) {
            Done one = done.remove();
            if (one.name() < 0) continue;
            slices.add(group, one.name() == 0 ? "request" : names.of(one.name()), one.kicked(), event.nanoTime());
            if (one.taken() - one.kicked() > 0) slices.add(group, "queue wait", one.kicked(), one.taken());
            slices.add(group, "device", one.taken(), one.done());
            slices.add(group, "response", one.done(), event.nanoTime());
            if (one.guest() != null) atGuest(one, one.guest(), event);
        }
        if (event.from() > 0 && event.from() < MOST_NANOS)
            slices.add(group(event.thread(), "work"), "interrupt", event.nanoTime() - event.from(), event.nanoTime());
    }

    /** The way of a request from the guest's driver and back. Parts that the clock's uncertainty turns around are left out. */
    private void atGuest(Done one, GuestTimes at, Event answer) {
        int group = group(GUEST, names.of(answer.attachment()));
        long end = at.responded();
        slices.add(group, one.name() == 0 ? "request" : names.of(one.name()), at.queued(), end);
        part(group, Stage.SUBMIT.label(), at.queued(), Math.min(one.kicked(), end));
        part(group, "device", Math.max(at.queued(), one.kicked()), Math.min(answer.nanoTime(), end));
        part(group, Stage.DELIVERY.label(), Math.max(at.queued(), answer.nanoTime()), at.interrupted());
        part(group, Stage.DRIVER.label(), Math.max(answer.nanoTime(), at.interrupted()), end);
    }

    private void part(int group, String name, long start, long end) {
        if (end - start > 0) slices.add(group, name, start, end);
    }

    private static String ruleName(int number) {
        Rule rule = Rule.numbered(number);
        return rule == null ? "rule " + number : rule.name();
    }

    private String subject(Event event) {
        return event.buffer() == 0 ? "" : " " + names.of(event.buffer());
    }

    private void instant(Event event, String name) throws IOException {
        out.annotate("from", event.from());
        out.annotate("length", event.length());
        out.instant(track(device(event.thread()), "faults and findings"), event.nanoTime(), name);
    }

    private int group(int thread, String name) {
        return groups.computeIfAbsent(new Group(thread, name), added -> {
            byNumber.add(added);
            return byNumber.size() - 1;
        });
    }

    private String device(int thread) {
        return thread == GUEST ? GUEST_NAME : devices.getOrDefault(thread, "thread " + thread);
    }

    /** Defines a track under its number. */
    @FunctionalInterface
    private interface Definition {
        void write(long uuid) throws IOException;
    }

    /** The number of a track, which is defined at its first use. */
    private long known(String key, Definition definition) throws IOException {
        Long present = tracks.get(key);
        if (present != null) return present;
        long uuid = ++lastUuid;
        tracks.put(key, uuid);
        definition.write(uuid);
        return uuid;
    }

    private long track(String device, String name) throws IOException {
        long parent = parent(device);
        return known(device + "/" + name, uuid -> out.track(uuid, parent, name));
    }

    private long counter(Event event, String name, int unit) throws IOException {
        String device = device(event.thread());
        long parent = parent(device);
        return known(device + "/#" + name, uuid -> out.counterTrack(uuid, parent, name, unit));
    }

    private long parent(String device) throws IOException {
        return known(device, uuid -> {
            if (device.equals(GUEST_NAME)) out.process(uuid, GUEST_PID, "Guest");
            else out.track(uuid, PROCESS, device);
        });
    }
}
