package sluice.vdev.trace;

import java.util.Locale;

/** Numbers with units, with three digits. */
final class Quantity {
    private static final String[] BYTES = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    private static final String[] NANOS = { "ns", "µs", "ms", "s" };

    private Quantity() {}

    static String bytes(long bytes) {
        return scaled(bytes, 1024, BYTES);
    }

    static String nanos(long nanos) {
        return scaled(nanos, 1000, NANOS);
    }

    /** Bytes, and the time if recorded. */
    static String bytesAndNanos(Sum sum) {
        if (sum.events() == 0) return "-";
        return sum.nanos() == 0 ? bytes(sum.bytes()) : bytes(sum.bytes()) + " " + nanos(sum.nanos());
    }

    /** Seconds to the nanosecond, with a sign. */
    static String seconds(long nanos) {
        return String.format(Locale.ROOT, "%+.9f", nanos / 1e9);
    }

    private static String scaled(long value, int step, String[] units) {
        double scaled = value;
        int unit = 0;
        while (Math.abs(scaled) >= step && unit < units.length - 1) {
            scaled /= step;
            unit++;
        }
        String number = unit == 0
                ? Long.toString(value)
                : String.format(Locale.ROOT, Math.abs(scaled) < 10 ? "%.2f" : Math.abs(scaled) < 100 ? "%.1f" : "%,.0f",
                        scaled);
        return number + " " + units[unit];
    }
}
