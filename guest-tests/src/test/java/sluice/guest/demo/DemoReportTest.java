package sluice.guest.demo;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;

import sluice.guest.Accelerator;
import sluice.guest.Picture;
import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;

class DemoReportTest {
    private static final JsonObject STATISTICS = JsonParser.parseString("""
            {"frames": 7, "commands": {"RESOURCE_FLUSH": 7}, "copiedBytes": {"transfer": 1048576},
             "latencyMicros": {"RESOURCE_FLUSH": {"p50": 12.25, "p99": 99.5, "max": 100.0}}}
            """).getAsJsonObject();

    private static DemoReport report(Optional<Picture.Difference> difference) {
        return new DemoReport(new QemuBinary(Path.of("/q"), "10.0.2"), DemoMode.COPIES, "6.12", Accelerator.TCG,
                List.of("gpu"), 1280,
                800, 121,
                2000, 9_500_000_000L, Map.of("drawing", 2_000_000_000L),
                List.of(new DemoReport.Judged("qemu-screen.png", "what QEMU shows", Optional.empty()),
                        new DemoReport.Judged("screen.png", "what the GPU process holds", difference)),
                STATISTICS);
    }

    @Test
    void rightPicturesHaveNoVerdict() {
        DemoReport report = report(Optional.empty());
        assertThat(report.verdict()).isEmpty();
        assertThat(report.toJson().get("ok").getAsBoolean()).isTrue();
        assertThat(report.toJson().get("framesPerSecond").getAsDouble()).isEqualTo(60);
        assertThat(report.toJson().get("gpu")).isEqualTo(STATISTICS);
    }

    @Test
    void aWrongPictureIsNamedWithItsFirstPixel() {
        DemoReport report = report(Optional.of(new Picture.Difference(3, 10, 20, 0xFFFFFFFF, 0xFF000000)));
        assertThat(report.verdict()).isEqualTo("screen.png (what the GPU process holds) is wrong: "
                + "3 pixels differ, the first at 10,20: expected ffffffff, got ff000000");
        JsonObject judged = report.toJson().getAsJsonArray("pictures").get(1).getAsJsonObject();
        assertThat(judged.get("identical").getAsBoolean()).isFalse();
        assertThat(judged.get("differentPixels").getAsInt()).isEqualTo(3);
        assertThat(judged.get("firstX").getAsInt()).isEqualTo(10);
    }

    @Test
    void theSummaryFitsOneScreenAndShowsTheNumbers() {
        String summary = report(Optional.empty()).summary(Path.of("/results"));
        assertThat(summary.lines()).hasSizeLessThan(25).allMatch(line -> line.length() <= 100);
        assertThat(summary).contains("121 frames, the flips at 60 a second, 9.5 s in all").contains("RESOURCE_FLUSH")
                .contains("12.3").contains("99.5").contains("1.0 MiB").contains("/results");
    }
}
