package sluice.vdev.profile;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TwoSinks;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.dmacore.trace.jfr.JfrSink;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** A profile of the GPU, from the guest's commands over a socket to the three files. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class GpuProfileLoopbackTest {
    private static final int FRAMES = 20;
    private static final int WIDTH = 320;
    private static final int HEIGHT = 200;
    private static final int BYTES = 4 * WIDTH * HEIGHT;
    private static final int EVENTS = 1 << 14;
    private static final int NAMES = 1 << 16;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aProfileHasTheFramesOfTheGuestAndWhereTheirTimeWent(boolean snoops) throws Exception {
        ProfileFolder files = new ProfileFolder(folder.resolve("profile"));
        files.create();
        try (JfrRecorder jfr = JfrRecorder.start(files.jfr());
                FlightRecorder recorder = FlightRecorder.start(new RecorderOptions(files.recording(), EVENTS, NAMES))) {
            assertThat(recorder.awaitOpen()).isTrue();
            assertThat(jfr).isNotNull();
            draw(DmaCore.open(DmaCoreOptions.counting().withTrace(TwoSinks.of(recorder, new JfrSink()))
                    .withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy()))), snoops);
        }
        Profile profile = files.write(CostModel.PRESETS);
        assertThat(profile.devices()).extracting(DeviceProfile::name).containsExactly("gpu");
        DeviceProfile gpu = profile.devices().getFirst();
        theFrames(gpu, snoops);
        theRequests(gpu);
        theFlightRecorderOfTheJdk(files.jfr());
        String html = Files.readString(files.report());
        assertThat(html).contains("<h2>gpu</h2>", "TRANSFER_TO_HOST_2D", "No driver of a guest is in this report",
                snoops ? "snoop the CPU&#39;s caches" : "lines written back");
        assertThat(html).as("self-contained").doesNotContain("<script", "src=", "href=", "http:", "https:", "url(",
                "@import");
        assertThat(Files.size(files.trace())).isPositive();
        assertThat(files.folder()).isDirectoryNotContaining(file -> file.toString().endsWith(".new"));
    }

    private static void draw(DmaCore core, boolean snoops) throws Exception {
        try (GpuBackEnd backEnd = new GpuBackEnd(core, snoops ? Stream.COHERENT : Stream.NON_COHERENT)) {
            try (AttachedGpu gpu = AttachedGpu.start(backEnd)) {
                Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8A8, WIDTH, HEIGHT);
                canvas.show(0);
                for (int i = 0; i < FRAMES; i++) {
                    canvas.drawNoise(i);
                    canvas.transfer();
                    canvas.flush();
                }
            }
        }
    }

    private static void theFrames(DeviceProfile gpu, boolean snoops) {
        assertThat(gpu.frameCount()).isEqualTo(FRAMES);
        assertThat(gpu.frames()).allSatisfy(frame -> {
            assertThat(frame.nanos(Stage.COPY)).isPositive();
            assertThat(frame.nanos(Stage.DEVICE)).isPositive();
            assertThat(frame.nanos(Stage.INTERRUPT)).isPositive();
            assertThat(frame.tally().bytes(EventKind.COPY)).isEqualTo(BYTES);
        });
        assertThat(gpu.frames().subList(1, FRAMES)).allSatisfy(frame -> {
            assertThat(frame.tally().count(EventKind.COMMAND)).as("transfer and flush").isEqualTo(2);
            assertThat(frame.nanos(Stage.CACHE) > 0).as("cache operations").isEqualTo(!snoops);
        });
        CostModel.Cost cost = CostModel.parse("write-back=10,invalidate=10,barrier=0,map=0,copy=100")
                .of(gpu.frames().getLast().tally());
        assertThat(cost.missing()).isEmpty();
        assertThat(cost.nanos()).as("lines and copied KiB")
                .isGreaterThanOrEqualTo(BYTES / 64 * 10.0 + BYTES / 1024 * 100.0);
    }

    private static void theRequests(DeviceProfile gpu) {
        Map<String, Long> counts = new HashMap<>();
        for (RequestKind kind : gpu.requests()) counts.put(kind.queue() + " " + kind.name(), kind.total().count());
        assertThat(counts).containsEntry("control TRANSFER_TO_HOST_2D", (long) FRAMES)
                .containsEntry("control RESOURCE_FLUSH", (long) FRAMES)
                .containsEntry("control RESOURCE_ATTACH_BACKING", 1L);
        RequestKind transfer = gpu.requests().stream().filter(kind -> kind.name().startsWith("TRANSFER")).findFirst()
                .orElseThrow();
        assertThat(transfer.total().quantile(0)).isGreaterThanOrEqualTo(transfer.worked().quantile(0));
        assertThat(transfer.waited().quantile(1)).isPositive();
    }

    private static void theFlightRecorderOfTheJdk(Path file) throws Exception {
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        assertThat(events).extracting(event -> event.getEventType().getName())
                .contains("sluice.Frame", "sluice.Mapping")
                .doesNotContain("sluice.Copy", "sluice.Request");
        assertThat(events).filteredOn(event -> event.getEventType().getName().equals("sluice.Frame")).hasSize(FRAMES);
    }
}
