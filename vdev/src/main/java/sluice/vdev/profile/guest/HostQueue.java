package sluice.vdev.profile.guest;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.recording.Event;

/** The requests of one queue of a device, as a recording has them, since its driver has set it up last; the newest of them. */
final class HostQueue {
    static final int MOST = 1 << 17;

    /** A request. Times are nanoseconds of our clock. */
    static final class Request {
        /** Of its event in the recording. */
        final long sequence;
        final long number;
        /** The number of its name. */
        final int name;
        /** When the device took it. */
        final long taken;
        /** How many were available then, itself included; 0 if unknown. */
        final long available;
        boolean isAnswered;
        /** A time before which its answer was not published, if it is answered. */
        long unpublished;

        Request(Event event) {
            sequence = event.sequence();
            number = event.bytes();
            name = event.detail();
            taken = event.nanoTime() - event.nanos();
            available = event.length();
        }
    }

    private static final class Newest extends LinkedHashMap<Long, Request> {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Request> eldest) {
            return size() > MOST;
        }
    }

    private final Newest requests = new Newest();
    /** Those that are done and not answered yet. */
    private final Deque<Request> done = new ArrayDeque<>();
    private long last;

    void command(Event event) {
        Request request = new Request(event);
        if (request.number <= 0) return;
        // The driver has set the queue up anew, and counts again.
        if (requests.containsKey(request.number)) clear();
        last = Math.max(last, request.number);
        if (done.size() == MOST) done.remove();
        done.add(request);
        requests.put(request.number, request);
    }

    /** Requests whose numbers are not told, but which are answered in their turn. */
    void batch(Event event) {
        Request untold = new Request(event);
        for (long i = 0; i < Math.min(event.length(), MOST); i++) {
            if (done.size() == MOST) done.remove();
            done.add(untold);
        }
    }

    private void clear() {
        requests.clear();
        done.clear();
        last = 0;
    }

    /** Answers are published together, after the time at which this began. */
    void answer(Event event) {
        for (long i = 0; i < event.length() && !done.isEmpty(); i++) {
            Request request = done.remove();
            request.isAnswered = true;
            request.unpublished = event.nanoTime() - event.nanos();
        }
    }

    /** The number of the newest; 0 without one. */
    long last() {
        return last;
    }

    @Nullable
    Request request(long number) {
        return requests.get(number);
    }

    Collection<Request> all() {
        return requests.values();
    }
}
