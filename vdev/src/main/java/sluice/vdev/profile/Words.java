package sluice.vdev.profile;

import java.util.Locale;

/** Numbers with units, with three digits. */
final class Words {
    private static final String[] NANOS = { "ns", "µs", "ms", "s" };
    private static final String[] BYTES = { "B", "KiB", "MiB", "GiB", "TiB" };

    private Words() {}

    static String nanos(long nanos) {
        return nanos((double) nanos);
    }

    static String bytes(long bytes) {
        return bytes((double) bytes);
    }

    static String count(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }

    static String nanos(double nanos) {
        return scaled(nanos, 1000, NANOS);
    }

    static String bytes(double bytes) {
        return scaled(bytes, 1024, BYTES);
    }

    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static String digits(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%,.0f", value);
    }

    private static String scaled(double value, int step, String[] units) {
        if (value == 0) return "0";
        double scaled = value;
        int unit = 0;
        while (Math.abs(scaled) >= step && unit < units.length - 1) {
            scaled /= step;
            unit++;
        }
        return digits(scaled) + " " + units[unit];
    }
}
