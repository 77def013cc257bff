package sluice.guest.demo;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import org.jspecify.annotations.Nullable;

import sluice.guest.Accelerator;
import sluice.guest.Picture;
import sluice.vdev.qemu.QemuBinary;

/**
 * The result of a demo.
 *
 * @param mode mode of the demo
 * @param kernel the guest kernel's release
 * @param gpuCommand command of the GPU process
 * @param width of the screen in pixels
 * @param height of it
 * @param frames number of shown frames, including the first
 * @param flipMillis duration of the page flips, measured by the guest
 * @param wallNanos the whole demo
 * @param steps nanoseconds of each step
 * @param pictures the judged pictures
 * @param statistics the final statistics of the GPU process; null if it is not ours
 */
record DemoReport(QemuBinary qemu, DemoMode mode, String kernel, Accelerator accelerator, List<String> gpuCommand,
        int width,
        int height,
        int frames, long flipMillis, long wallNanos, Map<String, Long> steps, List<Judged> pictures,
        @Nullable JsonObject statistics) implements DemoResult {
    private static final double MILLIS_PER_SECOND = 1000;
    private static final double BYTES_PER_MIB = 1 << 20;

    /**
     * A picture compared with the one drawn by the guest.
     *
     * @param file file name in the results
     * @param origin the source of the picture
     * @param difference empty if all pixels are right
     */
    record Judged(String file, String origin, Optional<Picture.Difference> difference) {
        String sentence() {
            return difference.map(d -> "%s (%s) is wrong: %s".formatted(file, origin, d.sentence()))
                    .orElse("%s (%s): every pixel is right".formatted(file, origin));
        }
    }

    @Override
    public String verdict() {
        List<String> wrong = new ArrayList<>();
        for (Judged picture : pictures) {
            if (picture.difference().isPresent()) wrong.add(picture.sentence());
        }
        if (mode == DemoMode.BLOBS && bytesCopied() > 0)
            wrong.add(bytesCopied() + " bytes of pixels were copied, and blobs need no copy");
        return String.join("; ", wrong);
    }

    /** Bytes of pixels copied by the GPU process; 0 if it is not ours. */
    long bytesCopied() {
        return statistics == null
                ? 0
                : member(statistics, "copiedBytes").entrySet().stream().mapToLong(copy -> copy.getValue().getAsLong())
                        .sum();
    }

    private double framesPerSecond() {
        return (frames - 1) * MILLIS_PER_SECOND / Math.max(1, flipMillis);
    }

    @Override
    public JsonObject toJson() {
        JsonObject report = new JsonObject();
        report.addProperty("ok", verdict().isEmpty());
        report.addProperty("verdict", verdict());
        report.addProperty("qemu", qemu.version());
        report.addProperty("qemuPath", qemu.path().toString());
        report.addProperty("kernel", kernel);
        report.addProperty("accelerator", accelerator.toString());
        JsonArray command = new JsonArray();
        gpuCommand.forEach(command::add);
        report.add("gpuCommand", command);
        report.addProperty("width", width);
        report.addProperty("height", height);
        report.addProperty("frames", frames);
        report.addProperty("flipMillis", flipMillis);
        report.addProperty("framesPerSecond", framesPerSecond());
        report.addProperty("wallMillis", TimeUnit.NANOSECONDS.toMillis(wallNanos));
        JsonObject times = new JsonObject();
        steps.forEach((step, nanos) -> times.addProperty(step, TimeUnit.NANOSECONDS.toMillis(nanos)));
        report.add("stepMillis", times);
        JsonArray judged = new JsonArray();
        for (Judged picture : pictures) {
            JsonObject one = new JsonObject();
            one.addProperty("file", picture.file());
            one.addProperty("origin", picture.origin());
            one.addProperty("identical", picture.difference().isEmpty());
            picture.difference().ifPresent(difference -> {
                one.addProperty("differentPixels", difference.pixels());
                one.addProperty("firstX", difference.x());
                one.addProperty("firstY", difference.y());
            });
            judged.add(one);
        }
        report.add("pictures", judged);
        if (statistics != null) {
            report.addProperty("bytesCopied", bytesCopied());
            report.add("gpu", statistics);
        }
        return report;
    }

    @Override
    public String summary(Path folder) {
        List<String> lines = new ArrayList<>();
        lines.add("");
        lines.add("QEMU %s (%s), Linux %s, %d x %d: %d frames, the flips at %.0f a second, %.1f s in all".formatted(
                qemu.version(), accelerator, kernel, width, height, frames, framesPerSecond(),
                wallNanos / (double) TimeUnit.SECONDS.toNanos(1)));
        if (statistics != null) addStatistics(lines, statistics);
        for (Judged picture : pictures) lines.add(picture.sentence());
        lines.add("Everything is in " + folder.toAbsolutePath().normalize() + ", the numbers in " + FILE);
        return String.join(System.lineSeparator(), lines);
    }

    /** Prints all commands and copies in the statistics. */
    private static void addStatistics(List<String> lines, JsonObject statistics) {
        JsonObject latencies = member(statistics, "latencyMicros");
        JsonObject commands = member(statistics, "commands");
        if (!commands.isEmpty()) lines.add("%-26s %8s %12s %12s".formatted("command", "count", "p50 us", "p99 us"));
        for (Map.Entry<String, JsonElement> command : commands.entrySet()) {
            JsonObject latency = member(latencies, command.getKey());
            lines.add("%-26s %8s %12s %12s".formatted(command.getKey(), command.getValue().getAsString(),
                    number(latency, "p50"), number(latency, "p99")));
        }
        for (Map.Entry<String, JsonElement> copy : member(statistics, "copiedBytes").entrySet()) {
            lines.add(
                    "copied, %-18s %12.1f MiB".formatted(copy.getKey(), copy.getValue().getAsDouble() / BYTES_PER_MIB));
        }
        if (statistics.has("observerBytes")) {
            lines.add("%-26s %12.1f MiB".formatted("read by snapshots",
                    statistics.get("observerBytes").getAsDouble() / BYTES_PER_MIB));
        }
    }

    private static JsonObject member(JsonObject parent, String name) {
        return parent.has(name) ? parent.getAsJsonObject(name) : new JsonObject();
    }

    private static String number(JsonObject parent, String name) {
        return parent.has(name) ? "%.1f".formatted(parent.get(name).getAsDouble()) : "-";
    }
}
