package sluice.vdev.profile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

import org.jspecify.annotations.Nullable;

/** Two profiles of the same work: by how much each stage of each device differs. */
public final class Comparison {
    private static final int PARTS = 10;

    /**
     * A stage of a device in both.
     *
     * @param before mean nanoseconds per frame in the first
     * @param after and in the second
     * @param spread by how much the means of tenths of a run differ from its own mean, relative, the larger of both runs
     */
    public record Line(String device, String stage, double before, double after, double spread) {
        /** How many times as long; infinite if it took no time before. */
        public double ratio() {
            return before == 0 ? after == 0 ? 1 : Double.POSITIVE_INFINITY : after / before;
        }

        /** Whether the difference is larger than the spread. */
        public boolean isClear() {
            return Math.abs(after - before) > spread * Math.max(before, after);
        }
    }

    private Comparison() {}

    /** The stages of the devices that both have, those that matter most first: by the difference in time. */
    public static List<Line> of(Profile before, Profile after) {
        List<Line> lines = new ArrayList<>();
        for (DeviceProfile old : before.devices()) {
            for (DeviceProfile now : after.devices()) {
                if (old.name().equals(now.name()) && old.frameCount() > 0 && now.frameCount() > 0) add(lines, old, now);
            }
        }
        lines.sort(Comparator.comparingDouble((Line line) -> Math.abs(line.after() - line.before())).reversed());
        return lines;
    }

    private static void add(List<Line> lines, DeviceProfile old, DeviceProfile now) {
        lines.add(new Line(old.name(), "busy", old.busy().mean(), now.busy().mean(),
                Math.max(spread(old, null), spread(now, null))));
        for (Stage stage : Stage.values()) {
            if (old.of(stage).sum() == 0 && now.of(stage).sum() == 0) continue;
            lines.add(new Line(old.name(), stage.label(), old.of(stage).mean(), now.of(stage).mean(),
                    Math.max(spread(old, stage), spread(now, stage))));
        }
    }

    /** The standard deviation of the means of tenths of the run, relative to the mean; 0 with fewer than ten frames. */
    private static double spread(DeviceProfile device, @Nullable Stage stage) {
        List<Frame> frames = device.frames();
        if (frames.size() < PARTS) return 0;
        double[] means = new double[PARTS];
        double mean = 0;
        for (int i = 0; i < PARTS; i++) {
            List<Frame> part = frames.subList(i * frames.size() / PARTS, (i + 1) * frames.size() / PARTS);
            for (Frame frame : part)
                means[i] += (double) (stage == null ? frame.busyNanos() : frame.nanos(stage)) / part.size();
            mean += means[i] / PARTS;
        }
        if (mean == 0) return 0;
        double squares = 0;
        for (double one : means) squares += (one - mean) * (one - mean) / PARTS;
        return Math.sqrt(squares) / mean;
    }

    /** A table for people. */
    public static String text(List<Line> lines) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%-16s %-12s %12s %12s %8s %9s%n", "device", "stage", "before", "after",
                "ratio",
                "spread"));
        for (Line line : lines) {
            text.append(String.format(Locale.ROOT, "%-16s %-12s %12s %12s %8s %9s%s%n", line.device(), line.stage(),
                    Words.nanos(line.before()), Words.nanos(line.after()),
                    Double.isInfinite(line.ratio()) ? "new" : String.format(Locale.ROOT, "%.2f", line.ratio()),
                    String.format(Locale.ROOT, "±%.0f %%", 100 * line.spread()),
                    line.isClear() ? "" : "  within the spread"));
        }
        return text.toString();
    }
}
