package sluice.vdev.profile.guest;

/**
 * A guest's clock against ours: what it showed when ours showed a time, with a constant drift.
 *
 * @param start nanoseconds of our clock at the begin of the time for which it is known
 * @param span nanoseconds from then to the end of that time; 1 or more
 * @param offset what the guest's clock showed at the begin, less {@code start}
 * @param gain nanoseconds by which it went ahead of ours in {@code span}
 * @param uncertainty nanoseconds by which another clock that fits as well differs from this one, at most, at any time of the span
 * @param least the same at the time of the span at which it is least
 */
public record GuestClock(long start, long span, long offset, double gain, double uncertainty, double least) {
    private static final double MILLION = 1e6;

    /** Our time when the guest's clock showed {@code guest} nanoseconds. */
    public long host(long guest) {
        double since = guest - offset - start;
        return start + Math.round(since / (1 + gain / span));
    }

    /** What the guest's clock showed at our time {@code host}. */
    public long guest(long host) {
        long since = host - start;
        return host + offset + Math.round(gain / span * since);
    }

    /** Microseconds a second by which the guest's clock goes faster than ours. */
    public double driftMicros() {
        return gain / span * MILLION;
    }
}
