package sluice.vdev.profile.guest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import sluice.dmacore.trace.recording.Event;

/**
 * The DMA calls that a guest's kernel has told the witness of, as a recording has them, since the guest has booted last; the newest of
 * them. The kernel tells one after the other and waits for each: when it told came before our event, and after our event before.
 */
final class GuestCalls {
    /** No calls. */
    static final GuestCalls NONE = new GuestCalls();
    /** Calls that are kept: two bounds each. */
    static final int MOST = 1 << 17;
    /** A guest's clock that shows more is none: 146 years. */
    private static final long MOST_NANOS = 1L << 62;

    private long[] guests = new long[256];
    private long[] begins = new long[256];
    private long[] ends = new long[256];
    /** Of the next; those before are in the ring. */
    private long count;
    private long broken;
    /** The first that was told. */
    private int witness;
    private long others;

    /** Takes the next. */
    void add(Event call) {
        if (witness == 0) witness = call.attachment();
        if (witness != call.attachment()) {
            others++;
            return;
        }
        long guest = call.bytes();
        if (guest < 0 || guest > MOST_NANOS || call.nanos() < 0) {
            broken++;
            return;
        }
        if (count > 0 && guest < guests[at(count - 1)]) count = 0; // it has booted again
        if (count == guests.length && count < MOST) {
            guests = Arrays.copyOf(guests, 2 * guests.length);
            begins = Arrays.copyOf(begins, guests.length);
            ends = Arrays.copyOf(ends, guests.length);
        }
        guests[at(count)] = guest;
        begins[at(count)] = call.nanoTime() - call.nanos();
        ends[at(count)] = call.nanoTime();
        count++;
    }

    private int at(long index) {
        return (int) (index % guests.length);
    }

    /** Number of those that are kept. */
    long count() {
        return Math.min(count, guests.length);
    }

    /** What is wrong with them, a sentence each; empty if nothing is. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (broken > 0)
            problems.add("%,d calls that the guest has told the witness have no time of a clock.".formatted(broken));
        if (others > 0)
            problems.add("%,d calls of another guest, told another witness, are left out.".formatted(others));
        return problems;
    }

    /** Tells what they say about the guest's clock. */
    void bound(ClockFit fit) {
        for (long i = count - count(); i < count; i++) {
            fit.guestBefore(guests[at(i)], begins[at(i)]);
            if (i > count - count()) fit.guestAfter(guests[at(i)], ends[at(i - 1)]);
        }
    }
}
