package sluice.vdev.profile.guest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Names;
import sluice.dmacore.trace.recording.Recording;

/**
 * The requests of a guest's GPU driver, found among those of a recording by their numbers, and the clock that follows: the driver puts a
 * request into the queue before the device takes it, and takes the answer after the device had done the request and not yet published it.
 *
 * <p>The driver tells of a request when it has just become visible to the device, which may be at work: so it is the request <em>before</em>
 * that certainly had been told of when the device saw one. The device tells how many it saw.
 */
public final class GuestMatch {
    /** The kernel prints times to the nearest microsecond. */
    private static final long ROUNDING = 500;
    /** Numbers of a queue that was set up by another process before are known modulo this. */
    private static final long RING_NUMBERS = 1 << 16;
    /** Of the requests that have the same number on both sides, so many must be of the same kind. */
    private static final double LEAST_AGREEMENT = 0.99;
    /** A guest's times so long before and after the device's are not believed. */
    private static final long MOST_OUTSIDE = 10_000_000_000L;
    private static final String OF_DEVICE = ": ";

    /** A request on both sides. */
    private record Pair(HostQueue.Request host, GuestRequest guest) {}

    /** A device of the guest and one of the recording that may be the same. */
    private record Candidate(int guest, String host, List<Pair> pairs, ClockFit.Result result) {}

    private final GuestTrace trace;
    private final List<String> problems;
    private final @Nullable Candidate found;
    private final Map<Long, GuestTimes> times = new HashMap<>();
    private long requests;
    private long wrongOrder;

    private GuestMatch(GuestTrace trace, @Nullable Candidate found, List<String> problems) {
        this.trace = trace;
        this.found = found;
        this.problems = new ArrayList<>(problems);
    }

    /** Matches a trace with a recording, which is read once. */
    public static GuestMatch of(Recording recording, GuestTrace trace) throws IOException {
        Map<String, HostQueue> queues = read(recording);
        List<String> problems = new ArrayList<>(trace.problems());
        List<Candidate> fitting = new ArrayList<>();
        String reason = trace.queues().isEmpty()
                ? "It has no events of virtio_gpu: were they switched on?"
                : "The recording has no requests with the same numbers.";
        for (int device : trace.queues().stream().mapToInt(GuestTrace.Queue::device).distinct().toArray()) {
            for (String host : queues.keySet().stream().map(GuestMatch::device).distinct().toList()) {
                List<Pair> pairs = pairs(queues, host, trace, device);
                if (pairs.isEmpty()) continue;
                if (agreement(pairs) < LEAST_AGREEMENT) {
                    reason = "Requests of virtio%d and %s with the same numbers are of different kinds."
                            .formatted(device, host);
                    continue;
                }
                Candidate candidate = new Candidate(device, host, pairs, fit(queues, host, trace, device));
                switch (candidate.result()) {
                    case ClockFit.Fitted _ -> fitting.add(candidate);
                    case ClockFit.Unbounded unbounded -> reason = "Its clock cannot be told: " + unbounded.why() + ".";
                    case ClockFit.Impossible impossible ->
                        reason = ("No clock of constant drift fits: at %.6f s of the guest, a request and its "
                                + "device contradict the others by %,.0f µs.")
                                .formatted(impossible.guest() / 1e9, impossible.nanos() / 1e3);
                }
            }
        }
        if (fitting.size() == 1) return new GuestMatch(trace, fitting.getFirst(), problems).filled(queues);
        problems.addFirst(fitting.isEmpty()
                ? "The guest's trace is not in this profile. " + reason
                : "The guest's trace is not in this profile. It fits more than one device.");
        return new GuestMatch(trace, null, problems);
    }

    private static Map<String, HostQueue> read(Recording recording) throws IOException {
        Names names = recording.names();
        Map<Integer, HostQueue> byNumber = new HashMap<>();
        Map<String, HostQueue> queues = new LinkedHashMap<>();
        EventCursor events = recording.events();
        for (Event event = events.next(); event != null; event = events.next()) {
            switch (event.kind()) {
                case COMMAND -> queue(byNumber, queues, names, event).command(event);
                case BATCH -> queue(byNumber, queues, names, event).batch(event);
                case ANSWER -> {
                    HostQueue queue = byNumber.get(event.attachment());
                    if (queue != null) queue.answer(event);
                }
                default -> {
                    // not of a queue
                }
            }
        }
        return queues;
    }

    private static HostQueue queue(Map<Integer, HostQueue> byNumber, Map<String, HostQueue> queues, Names names,
            Event event) {
        return byNumber.computeIfAbsent(event.attachment(), number -> {
            HostQueue added = new HostQueue();
            queues.putIfAbsent(names.of(number), added);
            return added;
        });
    }

    private static String device(String queue) {
        int end = queue.indexOf(OF_DEVICE);
        return end < 0 ? queue : queue.substring(0, end);
    }

    private static @Nullable HostQueue queue(Map<String, HostQueue> queues, String host, GuestTrace.Queue queue) {
        return queues.get(host + OF_DEVICE + queue.name());
    }

    /** What a number of the recording is less than the same of the guest. */
    private static long shift(HostQueue host, Map<Long, GuestRequest> guest) {
        long last = guest.keySet().stream().mapToLong(Long::longValue).max().orElse(0);
        return Math.round((double) (last - host.last()) / RING_NUMBERS) * RING_NUMBERS;
    }

    private static List<Pair> pairs(Map<String, HostQueue> queues, String host, GuestTrace trace, int device) {
        List<Pair> pairs = new ArrayList<>();
        for (GuestTrace.Queue queue : trace.queues()) {
            HostQueue own = queue(queues, host, queue);
            if (own == null || queue.device() != device) continue;
            Map<Long, GuestRequest> requests = trace.requests(queue);
            long shift = shift(own, requests);
            for (GuestRequest request : requests.values()) {
                HostQueue.Request same = own.request(request.number - shift);
                if (same != null && same.isAnswered && request.isWhole()) pairs.add(new Pair(same, request));
            }
        }
        return pairs;
    }

    /** The share of pairs whose request has the name that most of its type have. */
    private static double agreement(List<Pair> pairs) {
        Map<Integer, Map<Integer, Integer>> names = new HashMap<>();
        for (Pair pair : pairs)
            names.computeIfAbsent(pair.guest().type, _ -> new HashMap<>()).merge(pair.host().name, 1, Integer::sum);
        long agreed = 0;
        for (Map<Integer, Integer> counts : names.values())
            agreed += counts.values().stream().mapToInt(Integer::intValue).max().orElse(0);
        return (double) agreed / pairs.size();
    }

    private static ClockFit.Result fit(Map<String, HostQueue> queues, String host, GuestTrace trace, int device) {
        ClockFit fit = new ClockFit();
        for (GuestTrace.Queue queue : trace.queues()) {
            HostQueue own = queue(queues, host, queue);
            if (own == null || queue.device() != device) continue;
            Map<Long, GuestRequest> requests = trace.requests(queue);
            long shift = shift(own, requests);
            for (HostQueue.Request request : own.all()) {
                GuestRequest told = requests.get(request.number + shift + Math.max(1, request.available) - 2);
                if (told != null && told.isQueued()) fit.guestBefore(told.queued - ROUNDING, request.taken);
                GuestRequest same = requests.get(request.number + shift);
                if (same != null && same.isResponded() && request.isAnswered)
                    fit.guestAfter(same.responded + ROUNDING, request.unpublished);
            }
        }
        return fit.fit();
    }

    private GuestMatch filled(Map<String, HostQueue> queues) {
        GuestClock clock = clock();
        Candidate candidate = found;
        if (candidate == null || clock == null) return this;
        for (GuestTrace.Queue queue : trace.queues()) {
            if (queue.device() == candidate.guest() && queue(queues, candidate.host(), queue) != null)
                requests += trace.requests(queue).size();
        }
        long outside = 0;
        for (Pair pair : candidate.pairs()) {
            GuestRequest guest = pair.guest();
            long queued = clock.host(guest.queued);
            long responded = clock.host(guest.responded);
            if (queued - clock.start() < -MOST_OUTSIDE || responded - clock.start() - clock.span() > MOST_OUTSIDE) {
                outside++;
                continue;
            }
            if (queued - pair.host().taken > clock.uncertainty()) wrongOrder++;
            times.put(pair.host().sequence, new GuestTimes(queued,
                    guest.interrupted == GuestRequest.UNKNOWN ? responded : clock.host(guest.interrupted), responded));
        }
        if (outside > 0)
            problems.add("%,d requests of the guest's trace have times outside of the recording, and are left out."
                    .formatted(outside));
        return this;
    }

    /** What is wrong, a sentence each; empty if all of the trace is in the profile. */
    public List<String> problems() {
        return List.copyOf(problems);
    }

    /** The guest's clock; null if it could not be found. */
    public @Nullable GuestClock clock() {
        return found != null && found.result() instanceof ClockFit.Fitted fitted ? fitted.clock() : null;
    }

    /** The name of the device whose driver the trace is of; empty without a clock. */
    public String device() {
        return found == null ? "" : found.host();
    }

    /** When a request was with the guest; null if that is not known. */
    public @Nullable GuestTimes times(Event command) {
        return times.get(command.sequence());
    }

    /** Number of requests of which the trace tells. */
    public long requests() {
        return requests;
    }

    /** Number of requests whose way is known on both sides. */
    public long matched() {
        return times.size();
    }

    /**
     * Requests that the device took while the driver was still telling that it had put them into the queue, by more than the uncertainty.
     */
    public long takenEarly() {
        return wrongOrder;
    }

    /** Interrupts, fences and all else that the trace has. */
    public List<GuestTrace.Other> others() {
        return trace.others();
    }
}
