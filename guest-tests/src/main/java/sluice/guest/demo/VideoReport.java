package sluice.guest.demo;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonObject;

import sluice.vdev.qemu.QemuBinary;

/**
 * The result of the demo that plays a clip.
 *
 * @param kernel the guest kernel's release
 * @param accelerator of the guest
 * @param frames as libavcodec decodes the clip on the host: MD5 of each
 * @param decoded as ffmpeg in the guest got them from the device
 * @param playMillis from the first frame to the last on the screen, measured by the guest
 * @param picture the screen at the end
 * @param wallNanos the whole demo
 * @param steps nanoseconds of each step
 * @param gpu report of the GPU
 * @param codec report of the codec
 */
record VideoReport(QemuBinary qemu, String kernel, String accelerator, List<String> frames, List<String> decoded,
        long playMillis, DemoReport.Judged picture, long wallNanos, Map<String, Long> steps, JsonObject gpu,
        JsonObject codec) implements DemoResult {
    private static final double NANOS_PER_SECOND = 1e9;

    @Override
    public String verdict() {
        List<String> wrong = new ArrayList<>();
        if (decoded.size() != frames.size())
            wrong.add("%d frames were decoded instead of %d".formatted(decoded.size(), frames.size()));
        int first = firstWrong();
        if (first >= 0) wrong.add("frame %d is not libavcodec's".formatted(first));
        if (pictures() != frames.size())
            wrong.add("%d frames came from our device instead of %d".formatted(pictures(), frames.size()));
        if (copied() != 0) wrong.add("the codec copied %d bytes of frames".formatted(copied()));
        if (picture.difference().isPresent()) wrong.add(picture.sentence());
        return String.join("; ", wrong);
    }

    /** The first frame, from 0, that differs; -1 if none does. */
    private int firstWrong() {
        for (int i = 0; i < Math.min(frames.size(), decoded.size()); i++) {
            if (!frames.get(i).equals(decoded.get(i))) return i;
        }
        return -1;
    }

    private long pictures() {
        return codec.get("pictures").getAsLong();
    }

    private long copied() {
        return codec.getAsJsonObject("copiedBytes").get("pictures").getAsLong();
    }

    @Override
    public JsonObject toJson() {
        JsonObject report = new JsonObject();
        report.addProperty("ok", verdict().isEmpty());
        report.addProperty("verdict", verdict());
        report.addProperty("qemu", qemu.version());
        report.addProperty("qemuPath", qemu.path().toString());
        report.addProperty("kernel", kernel);
        report.addProperty("accelerator", accelerator);
        report.addProperty("frames", frames.size());
        report.addProperty("framesDecoded", decoded.size());
        report.addProperty("firstWrongFrame", firstWrong());
        report.addProperty("playMillis", playMillis);
        report.addProperty("pictureIdentical", picture.difference().isEmpty());
        report.addProperty("framesFromDevice", pictures());
        report.addProperty("copiedByCodec", copied());
        report.addProperty("wallMillis", TimeUnit.NANOSECONDS.toMillis(wallNanos));
        JsonObject times = new JsonObject();
        steps.forEach((step, nanos) -> times.addProperty(step, TimeUnit.NANOSECONDS.toMillis(nanos)));
        report.add("stepMillis", times);
        report.add("gpu", gpu);
        report.add("codec", codec);
        return report;
    }

    @Override
    public String summary(Path folder) {
        int right = 0;
        for (int i = 0; i < Math.min(frames.size(), decoded.size()); i++)
            right += frames.get(i).equals(decoded.get(i)) ? 1 : 0;
        return String.join(System.lineSeparator(), "",
                "QEMU %s (%s), Linux %s: %d frames decoded and shown in %.1f s, %.1f s in all".formatted(
                        qemu.version(), accelerator, kernel, decoded.size(), playMillis / 1000.0,
                        wallNanos / NANOS_PER_SECOND),
                "%d of %d frames are libavcodec's, to the byte; the codec copied %d bytes of them".formatted(right,
                        frames.size(), copied()),
                picture.sentence(),
                "Everything is in " + folder.toAbsolutePath().normalize() + ", the numbers in " + FILE);
    }
}
