package sluice.vdev.profile.guest;

import java.util.Arrays;

/**
 * Finds a guest's clock from events of guest and host of which one cannot have come before the other.
 *
 * <p>Each such pair says on which side of a point the line "what the guest's clock shows more than ours, over time" lies. A line is a
 * point of the plane whose coordinates are its values at the begin and the end of the run, and a pair cuts off a half of that plane. What
 * remains of the plane is a convex polygon: all clocks that are possible. Nothing is assumed about how long a message takes, only that it
 * takes no negative time.
 */
public final class ClockFit {
    /** Clocks of computers differ by 0.05 % at most; a guest's clock is calibrated against emulated timers. */
    static final double MOST_DRIFT = 1e-3;
    /** More pairs are refused. */
    static final int MOST = 1 << 20;
    /** Times of the run at which the uncertainty is looked at. */
    private static final int STEPS = 100;

    /** What the pairs say. */
    public sealed interface Result {}

    /** A clock, in the middle of those that are possible. */
    public record Fitted(GuestClock clock) implements Result {}

    /** Pairs of one direction are missing, so that the clock may be as far off as one likes. */
    public record Unbounded(String why) implements Result {}

    /**
     * No clock fits.
     *
     * @param host our time of a pair that no clock fits which fits those before
     * @param guest the guest's
     * @param nanos by how much it is missed, at least
     */
    public record Impossible(long host, long guest, double nanos) implements Result {}

    private long[] hosts = new long[256];
    private long[] guests = new long[256];
    /** Whether the guest's event came first. */
    private boolean[] first = new boolean[256];
    private int count;
    private int guestFirst;

    /** The guest's event was not later than ours. */
    public void guestBefore(long guest, long host) {
        if (add(guest, host, true)) guestFirst++;
    }

    /** The guest's event was not earlier than ours. */
    public void guestAfter(long guest, long host) {
        add(guest, host, false);
    }

    private boolean add(long guest, long host, boolean isGuestFirst) {
        if (count == MOST) return false;
        if (count == hosts.length) {
            hosts = Arrays.copyOf(hosts, 2 * count);
            guests = Arrays.copyOf(guests, 2 * count);
            first = Arrays.copyOf(first, 2 * count);
        }
        hosts[count] = host;
        guests[count] = guest;
        first[count] = isGuestFirst;
        count++;
        return true;
    }

    /** Number of pairs. */
    public int count() {
        return count;
    }

    /** The clock that the pairs leave. */
    public Result fit() {
        if (guestFirst == 0) return new Unbounded("no event of the guest is known to come before one of the device");
        if (guestFirst == count) return new Unbounded("no event of the guest is known to come after one of the device");
        long start = hosts[0];
        long end = hosts[0];
        for (int i = 1; i < count; i++) {
            if (hosts[i] - start < 0) start = hosts[i];
            if (hosts[i] - end > 0) end = hosts[i];
        }
        long span = Math.max(1, end - start);
        long reference = guests[0] - hosts[0];
        double lowest = 0;
        double highest = 0;
        for (int i = count - 1; i >= 0; i--) {
            double ahead = guests[i] - hosts[i] - reference;
            if (first[i]) lowest = ahead;
            else highest = ahead;
        }
        // A line with a bounded slope that keeps to the first pair of each kind stays in this range at both ends.
        double most = MOST_DRIFT * span;
        Polygon clocks = new Polygon(lowest - most, Math.max(lowest, highest) + most);
        clocks.keep(1, -1, -most);
        clocks.keep(-1, 1, -most);
        for (int i = 0; i < count; i++) {
            double at = (double) (hosts[i] - start) / span;
            double side = first[i] ? 1 : -1;
            double missed = clocks.keep(side * (1 - at), side * at, side * (guests[i] - hosts[i] - reference));
            if (missed > 0) return new Impossible(hosts[i], guests[i], missed);
        }
        double begin = clocks.middleX();
        double gain = clocks.middleY() - begin;
        long whole = Math.round(begin);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i <= STEPS; i++) least = Math.min(least, clocks.reach(begin, begin + gain, (double) i / STEPS));
        double worst = Math.max(clocks.reach(begin, begin + gain, 0), clocks.reach(begin, begin + gain, 1));
        return new Fitted(new GuestClock(start, span, reference + whole, gain, worst, least));
    }
}
