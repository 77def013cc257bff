package sluice.vdev.console;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.EventCursor;
import sluice.dmacore.trace.recording.Recording;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.profile.Capture;

import static org.assertj.core.api.Assertions.assertThat;

/** Recordings and profiles that are started and stopped from a page. */
@Timeout(120)
class CaptureLoopbackTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    @TempDir
    private Path folder = Path.of("");
    private @Nullable ShownGpu opened;

    private ShownGpu shown() {
        return java.util.Objects.requireNonNull(opened, "started");
    }

    @AfterEach
    void end() {
        shown().close();
    }

    private JsonObject status(Capture.Kind kind) {
        try {
            JsonObject state = JsonParser.parseString(shown().get("state.json").body()).getAsJsonObject();
            for (JsonElement one : state.getAsJsonArray("captures"))
                if (one.getAsJsonObject().get("name").getAsString().equals(kind.label())) return one.getAsJsonObject();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("no " + kind);
    }

    private JsonObject await(Capture.Kind kind, String phase) {
        Deadline.in(LIMIT).require(() -> status(kind).get("phase").getAsString().equals(phase), kind + " " + phase);
        return status(kind);
    }

    private int post(Capture.Kind kind, String what) throws Exception {
        return shown().post(kind.label() + "/" + what).statusCode();
    }

    private void frame(Canvas canvas, long seed) throws IOException {
        canvas.drawNoise(seed);
        canvas.transfer();
        canvas.flush();
    }

    private Canvas canvas() throws IOException {
        Canvas canvas = shown().gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, 640, 480);
        canvas.show(0);
        return canvas;
    }

    /** Buffers and queues that were there before have their names in it, and only what happens meanwhile is in it. */
    @Test
    void aRecordingHasWhatHappensBetweenStartAndStop() throws Exception {
        opened = ShownGpu.into(folder.resolve("out"));
        Canvas canvas = canvas();
        frame(canvas, 1);
        assertThat(post(Capture.Kind.RECORDING, "start")).isEqualTo(202);
        JsonObject running = await(Capture.Kind.RECORDING, "running");
        Path file = folder.resolve("out/recording-1.rec");
        assertThat(running.get("path").getAsString()).isEqualTo(file.toString());
        frame(canvas, 2);
        assertThat(post(Capture.Kind.RECORDING, "start")).as("one at a time").isEqualTo(409);
        assertThat(post(Capture.Kind.RECORDING, "stop")).isEqualTo(202);
        assertThat(await(Capture.Kind.RECORDING, "off").get("path").getAsString()).isEqualTo(file.toString());
        assertThat(post(Capture.Kind.RECORDING, "stop")).isEqualTo(409);
        frame(canvas, 3);
        Map<EventKind, Integer> seen = new HashMap<>();
        try (Recording recording = Recording.open(file)) {
            EventCursor events = recording.events();
            for (Event event = events.next(); event != null; event = events.next()) {
                seen.merge(event.kind(), 1, Integer::sum);
                assertThat(recording.names().of(event.attachment())).as("%s", event).doesNotStartWith("#1");
            }
        }
        assertThat(seen).containsEntry(EventKind.COPY, 1).containsEntry(EventKind.COMMAND, 2)
                .containsEntry(EventKind.FRAME, 1);
    }

    @Test
    void aProfileIsWrittenWhenItStops() throws Exception {
        opened = ShownGpu.into(folder);
        Canvas canvas = canvas();
        for (int run = 1; run <= 2; run++) {
            assertThat(post(Capture.Kind.PROFILE, "start")).isEqualTo(202);
            await(Capture.Kind.PROFILE, "running");
            for (int i = 0; i < 3; i++) frame(canvas, i);
            assertThat(post(Capture.Kind.PROFILE, "stop")).isEqualTo(202);
            JsonObject off = await(Capture.Kind.PROFILE, "off");
            Path made = folder.resolve("profile-" + run);
            assertThat(off.get("path").getAsString()).isEqualTo(made.toString());
            assertThat(made.resolve("report.html")).content().contains("<h2>gpu</h2>", "RESOURCE_FLUSH");
            for (String name : new String[]{ "trace.pftrace", "profile.jfr", "flight.rec" })
                assertThat(made.resolve(name)).isNotEmptyFile();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "recording/start", "recording/stop", "profile/start", "profile/stop" })
    void onlyAPostFromThePageDoesIt(String path) throws Exception {
        opened = ShownGpu.into(folder);
        assertThat(shown().get(path).statusCode()).isEqualTo(405);
        String text = "POST %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n";
        assertThat(raw(text.formatted(shown().root(), path))).startsWith("HTTP/1.1 403 ");
        assertThat(raw(text.formatted("/", path).replace("evil.example", "127.0.0.1"))).startsWith("HTTP/1.1 401 ");
        for (Capture.Kind kind : Capture.Kind.values())
            assertThat(status(kind).get("phase").getAsString()).isEqualTo("off");
        assertThat(folder).isEmptyDirectory();
    }

    private String raw(String request) throws IOException {
        try (java.net.Socket socket = new java.net.Socket(shown().console.address().getAddress(),
                shown().console.address().getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.ISO_8859_1);
        }
    }

    private void requireService() throws Exception {
        requireService(canvas());
    }

    private void requireService(Canvas canvas) throws Exception {
        int[] pixels = canvas.drawNoise(7);
        canvas.transfer();
        canvas.flush();
        try (sluice.vdev.rfb.VncClient client = shown().view(0)) {
            client.await(pixels);
        }
    }

    @ParameterizedTest
    @EnumSource(Capture.Kind.class)
    void aFolderThatIsNoneIsASentence(Capture.Kind kind) throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "text");
        opened = ShownGpu.into(file);
        assertThat(post(kind, "start")).isEqualTo(202);
        Deadline.in(LIMIT).require(() -> !status(kind).get("problem").getAsString().isEmpty(), "a problem");
        assertThat(await(kind, "off").get("problem").getAsString()).contains(file + " is not a folder");
        requireService();
    }

    @ParameterizedTest
    @EnumSource(Capture.Kind.class)
    void aFolderThatIsGoneIsASentence(Capture.Kind kind) throws Exception {
        Path out = folder.resolve("out");
        opened = ShownGpu.into(out);
        assertThat(post(kind, "start")).isEqualTo(202);
        await(kind, "running");
        try (Stream<Path> all = Files.walk(out)) {
            for (Path one : all.sorted(java.util.Comparator.reverseOrder()).toList()) Files.delete(one);
        }
        Canvas canvas = canvas();
        frame(canvas, 1);
        assertThat(post(kind, "stop")).isEqualTo(202);
        assertThat(await(kind, "off").get("problem").getAsString()).contains("-1", "has gone meanwhile");
        assertThat(post(kind, "start")).as("the next is none the worse").isEqualTo(202);
        await(kind, "running");
        requireService(canvas);
    }

    @ParameterizedTest
    @EnumSource(Capture.Kind.class)
    void aFolderHasAtMostNinetyNine(Capture.Kind kind) throws Exception {
        for (int i = 1; i <= Capture.MOST; i++)
            Files.createFile(folder.resolve(kind.label() + "-" + i + (kind == Capture.Kind.RECORDING ? ".rec" : "")));
        opened = ShownGpu.into(folder);
        assertThat(post(kind, "start")).isEqualTo(202);
        Deadline.in(LIMIT).require(() -> !status(kind).get("problem").getAsString().isEmpty(), "a problem");
        assertThat(await(kind, "off").get("problem").getAsString()).contains("has 99 " + kind.label() + "s already");
    }

    /** A disk of a MiB, which root can mount in the tests' own folder. */
    @ParameterizedTest
    @EnumSource(Capture.Kind.class)
    void noRoomIsASentence(Capture.Kind kind) throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        int mounted = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString())
                .redirectErrorStream(true).start().waitFor();
        org.junit.jupiter.api.Assumptions.assumeTrue(mounted == 0, "only root mounts file systems");
        try {
            FileStore store = Files.getFileStore(disk);
            opened = ShownGpu.into(disk);
            assertThat(post(kind, "start")).isEqualTo(202);
            Deadline.in(LIMIT).require(() -> !status(kind).get("problem").getAsString().isEmpty(), "a problem");
            assertThat(await(kind, "off").get("problem").getAsString()).contains("nothing was recorded into " + disk,
                    "No space left on device");
            assertThat(disk).as("nothing is left behind").isEmptyDirectory();
            assertThat(store.getUsableSpace()).isEqualTo(store.getTotalSpace());
            requireService();
        } finally {
            assertThat(new ProcessBuilder("umount", "--lazy", disk.toString()).start().waitFor()).isZero();
        }
    }
}
