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
 *
 * <p>The calls that the guest's kernel tells the witness have the guest's time in them, and bound the same clock from both sides, also in
 * a guest without such a driver.
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
    private record Candidate(int guest, String host, List<Pair> pairs, GuestClock clock) {}

    private final @Nullable GuestTrace trace;
    private final List<String> problems;
    private final List<String> notes = new ArrayList<>();
    private final @Nullable Candidate found;
    private final @Nullable GuestClock clock;
    /** Those by which the clock is bounded. */
    private final long calls;
    private final Map<Long, GuestTimes> times = new HashMap<>();
    private long requests;
    private long wrongOrder;

    private GuestMatch(@Nullable GuestTrace trace, @Nullable Candidate found, @Nullable GuestClock clock, long calls,
            List<String> problems) {
        this.trace = trace;
        this.found = found;
        this.clock = clock;
        this.calls = calls;
        this.problems = new ArrayList<>(problems);
    }

    /**
     * Matches what a guest has told with a recording, which is read once.
     *
     * @param trace of the guest's kernel, or null
     * @return null if there is no trace, and no call of a guest's kernel in the recording
     */
    public static @Nullable GuestMatch of(Recording recording, @Nullable GuestTrace trace) throws IOException {
        Map<String, HostQueue> queues = new LinkedHashMap<>();
        GuestCalls told = read(recording, queues);
        if (trace == null && told.count() == 0) return null;
        List<String> problems = new ArrayList<>(trace == null ? List.of() : trace.problems());
        problems.addAll(told.problems());
        ClockFit.Result alone = fit(told);
        GuestClock clock = alone instanceof ClockFit.Fitted fitted ? fitted.clock() : null;
        if (alone instanceof ClockFit.Impossible impossible)
            problems.add("The calls that the guest has told the witness are on no clock of constant drift: %s."
                    .formatted(contradiction(impossible)));
        GuestCalls bounding = clock == null ? GuestCalls.NONE : told;
        if (trace == null) return new GuestMatch(null, null, clock, bounding.count(), problems);
        return of(queues, trace, bounding, clock, problems);
    }

    private static String contradiction(ClockFit.Impossible impossible) {
        return "at %.6f s of the guest, it and its device contradict the others by %,.0f µs"
                .formatted(impossible.guest() / 1e9, impossible.nanos() / 1e3);
    }

    private static ClockFit.Result fit(GuestCalls calls) {
        ClockFit fit = new ClockFit();
        calls.bound(fit);
        return fit.fit();
    }

    private static GuestMatch of(Map<String, HostQueue> queues, GuestTrace trace, GuestCalls calls,
            @Nullable GuestClock byCalls, List<String> problems) {
        List<Candidate> fitting = new ArrayList<>();
        String reason = trace.queues().isEmpty()
                ? "It has no events of virtio_gpu: were they switched on?"
                : queues.isEmpty()
                        ? "No device of this process has queues: the guest's GPU is another's."
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
                switch (fit(queues, host, trace, device, calls)) {
                    case ClockFit.Fitted fitted -> fitting.add(new Candidate(device, host, pairs, fitted.clock()));
                    case ClockFit.Unbounded unbounded -> reason = "Its clock cannot be told: " + unbounded.why() + ".";
                    case ClockFit.Impossible impossible -> reason = "No clock of constant drift fits: %s."
                            .formatted(contradiction(impossible));
                }
            }
        }
        if (fitting.size() == 1) {
            Candidate only = fitting.getFirst();
            return new GuestMatch(trace, only, only.clock(), calls.count(), problems).filled(queues);
        }
        if (!fitting.isEmpty()) reason = "It fits more than one device.";
        if (byCalls == null) {
            problems.addFirst("The guest's trace is not in this profile. " + reason);
            return new GuestMatch(trace, null, null, 0, problems);
        }
        // All but the requests is in it: the guest's GPU may be none of ours.
        GuestMatch match = new GuestMatch(trace, null, byCalls, calls.count(), problems);
        match.notes.add("No request of a GPU's driver is matched. " + reason);
        return match;
    }

    private static GuestCalls read(Recording recording, Map<String, HostQueue> queues) throws IOException {
        Names names = recording.names();
        Map<Integer, HostQueue> byNumber = new HashMap<>();
        GuestCalls calls = new GuestCalls();
        EventCursor events = recording.events();
        for (Event event = events.next(); event != null; event = events.next()) {
            switch (event.kind()) {
                case COMMAND -> queue(byNumber, queues, names, event).command(event);
                case BATCH -> queue(byNumber, queues, names, event).batch(event);
                case ANSWER -> {
                    HostQueue queue = byNumber.get(event.attachment());
                    if (queue != null) queue.answer(event);
                }
                case CALL -> calls.add(event);
                default -> {
                    // not of a queue
                }
            }
        }
        return calls;
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

    private static ClockFit.Result fit(Map<String, HostQueue> queues, String host, GuestTrace trace, int device,
            GuestCalls calls) {
        ClockFit fit = new ClockFit();
        calls.bound(fit);
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
        Candidate candidate = found;
        GuestTrace told = trace;
        if (candidate == null || told == null) return this;
        GuestClock at = candidate.clock();
        for (GuestTrace.Queue queue : told.queues()) {
            if (queue.device() == candidate.guest() && queue(queues, candidate.host(), queue) != null)
                requests += told.requests(queue).size();
        }
        long outside = 0;
        for (Pair pair : candidate.pairs()) {
            GuestRequest guest = pair.guest();
            long queued = at.host(guest.queued);
            long responded = at.host(guest.responded);
            if (queued - at.start() < -MOST_OUTSIDE || responded - at.start() - at.span() > MOST_OUTSIDE) {
                outside++;
                continue;
            }
            if (queued - pair.host().taken > at.uncertainty()) wrongOrder++;
            times.put(pair.host().sequence, new GuestTimes(queued,
                    guest.interrupted == GuestRequest.UNKNOWN ? responded : at.host(guest.interrupted), responded));
        }
        if (outside > 0)
            problems.add("%,d requests of the guest's trace have times outside of the recording, and are left out."
                    .formatted(outside));
        return this;
    }

    /** What there was nothing to match with, a sentence each. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /** What is wrong, a sentence each; empty if all that the guest has told is in the profile, or in {@link #notes}. */
    public List<String> problems() {
        return List.copyOf(problems);
    }

    /** The guest's clock; null if it could not be found. */
    public @Nullable GuestClock clock() {
        return clock;
    }

    /** Number of calls that the guest has told the witness, and by which its clock is bounded. */
    public long calls() {
        return calls;
    }

    /** The name of the device whose driver the trace is of; empty if no requests are matched. */
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
        return trace == null ? List.of() : trace.others();
    }
}
