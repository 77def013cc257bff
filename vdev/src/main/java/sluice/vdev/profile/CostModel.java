package sluice.vdev.profile;

import java.util.List;
import java.util.OptionalDouble;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.EventKind;

/**
 * What the operations of a recording would cost on another machine. A figure without a public source is absent: what it would be
 * multiplied with is then not part of the sum, and {@link Cost#missing} names it.
 *
 * <p>If the devices of the recording snoop, so that no cache operation was requested, each transfer of ownership counts as the operation
 * that a device which does not snoop would need.
 *
 * @param name of the machine
 * @param writeBackLine nanoseconds to write back a line of 64 bytes, or NaN
 * @param invalidateLine nanoseconds to invalidate one, or NaN
 * @param barrier nanoseconds of the barrier after each operation over a range, or NaN
 * @param map nanoseconds to map a range through the IOMMU and to unmap it, for each of the two, or NaN
 * @param copyKib nanoseconds to copy 1024 bytes with the CPU, or NaN
 * @param sources where the figures are from
 */
public record CostModel(String name, double writeBackLine, double invalidateLine, double barrier, double map,
        double copyKib, String sources) {
    private static final int LINE = 64;
    private static final double NONE = Double.NaN;

    /** Machines whose figures are published. */
    public static final List<CostModel> PRESETS = List.of(
            new CostModel("x86 server, clwb", 2.5, 2.5, 135, NONE, 150,
                    "measured for Sluice with clwb and clflushopt: 4 KiB take 159 ns in calls of 1 MiB, 294 ns in calls of 4 KiB with a fence "
                            + "each; a copy of 4 KiB takes 600 ns"),
            new CostModel("ARMv7 of 2009", 27.4, 27.4, 203, NONE, NONE,
                    "linux-arm-kernel, December 2009, message 005830: 64 buffers of 512 bytes take 27 µs with a barrier "
                            + "each and 14 µs without; invalidating is taken to cost the same"),
            new CostModel("Zynq UltraScale+, Cortex-A53", NONE, NONE, NONE, NONE, 1280,
                    "github.com/ikwzm/udmabuf, issue 16: 800 MB/s with caches; no figures for cache operations are published there"),
            new CostModel("Raspberry Pi CM4, Cortex-A72", NONE, NONE, NONE, NONE, 2026,
                    "github.com/raspberrypi/linux, issue 3661: 3,133,440 bytes of a decoded frame in 6.2 ms"));

    /**
     * A cost.
     *
     * @param nanos of all that is known
     * @param missing what was done and has no figure, or an empty string
     */
    public record Cost(double nanos, String missing) {}

    /** The cost of what a tally has. */
    public Cost of(Tally tally) {
        double nanos = 0;
        StringBuilder missing = new StringBuilder();
        boolean snoops = tally.count(EventKind.WRITE_BACK, EventKind.INVALIDATE, EventKind.SKIP) == 0;
        long back = snoops ? tally.givenBytes() : tally.bytes(EventKind.WRITE_BACK);
        long invalid = snoops ? tally.takenBytes() : tally.bytes(EventKind.INVALIDATE);
        nanos += part(missing, "write-back", writeBackLine, back / (double) LINE);
        nanos += part(missing, "invalidate", invalidateLine, invalid / (double) LINE);
        nanos += part(missing, "barrier", barrier, (double) (snoops
                ? tally.count(EventKind.MAP, EventKind.UNMAP, EventKind.SYNC_FOR_DEVICE, EventKind.SYNC_FOR_CPU)
                : tally.count(EventKind.WRITE_BACK, EventKind.INVALIDATE)));
        nanos += part(missing, "map", map, (double) tally.count(EventKind.MAP, EventKind.UNMAP));
        nanos += part(missing, "copy", copyKib, tally.bytes(EventKind.COPY, EventKind.BOUNCE, EventKind.MOVE) / 1024.0);
        return new Cost(nanos, missing.toString());
    }

    /** What the skipped operations would have cost, or empty without figures. */
    public OptionalDouble saved(Tally tally) {
        double nanos = tally.skippedWriteBackBytes() / (double) LINE * writeBackLine
                + tally.skippedInvalidateBytes() / (double) LINE * invalidateLine;
        return Double.isNaN(nanos) ? OptionalDouble.empty() : OptionalDouble.of(nanos);
    }

    private static double part(StringBuilder missing, String what, double each, double count) {
        if (count == 0) return 0;
        if (!Double.isNaN(each)) return each * count;
        if (!missing.isEmpty()) missing.append(", ");
        missing.append(what);
        return 0;
    }

    /**
     * A machine as a user gives it: {@code write-back=20,invalidate=15,barrier=200,map=1500,copy=1000}, in nanoseconds, any of them.
     *
     * @throws IllegalArgumentException with a sentence
     */
    public static CostModel parse(String text) {
        double[] figures = { NONE, NONE, NONE, NONE, NONE };
        List<String> names = List.of("write-back", "invalidate", "barrier", "map", "copy");
        for (String part : text.split(",", -1)) {
            int sign = part.indexOf('=');
            int index = sign < 0 ? -1 : names.indexOf(part.substring(0, sign));
            Double value = index < 0 ? null : number(part.substring(sign + 1));
            if (value == null) {
                throw new IllegalArgumentException("--costs: \"" + part + "\" is none of " + String.join("=N, ", names)
                        + "=N, with N nanoseconds from 0 to 1e9");
            }
            figures[index] = value;
        }
        return new CostModel("yours", figures[0], figures[1], figures[2], figures[3], figures[4], "--costs=" + text);
    }

    private static @Nullable Double number(String text) {
        try {
            double value = Double.parseDouble(text);
            return value >= 0 && value <= 1e9 ? value : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }
}
