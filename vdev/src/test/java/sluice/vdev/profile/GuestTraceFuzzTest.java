package sluice.vdev.profile;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.trace.recording.Recording;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SeedCorpus;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;
import sluice.vdev.profile.guest.GuestTrace;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Traces of a fuzzer's making, with a recording of five frames: a trace is in the profile, or a sentence says why it is not, and the
 * device's own times are as they were.
 *
 * <p>An input is a trace.
 */
class GuestTraceFuzzTest {
    private static final int FRAMES = 5;
    private static final int EVENTS = 1024;

    @TempDir
    private static Path folder;

    private static Map<String, byte[]> seeds() {
        Map<String, byte[]> seeds = new TreeMap<>();
        String frames = frames(1).toString();
        seeds.put("five-frames", bytes(frames));
        seeds.put("cut-off", Arrays.copyOf(bytes(frames), 900));
        seeds.put("another-vm", bytes(frames.replace("name=main", "name=control")));
        seeds.put("another-device", bytes(frames + frames.replace("vdev=0", "vdev=1")));
        seeds.put("twice", bytes(frames + frames));
        seeds.put("of-other-kinds", bytes(frames(2).toString()));
        seeds.put("lost",
                bytes("# entries-in-buffer/entries-written: 5/933   #P:1\nCPU:0 [LOST 17 EVENTS]\n" + frames));
        seeds.put("an-absurd-time", bytes(frames + new GuestLog("main", 0, 0).event(Long.MAX_VALUE / 2,
                "virtio_gpu_cmd_response: vdev=0 vq=0 name=main type=0x1100 flags=0x0 num_free=1 seqno=4")));
        seeds.put("noise", new byte[]{ 0, -1, '\n', '[', '0', '0', '0', ']', ' ', 'd', ' ', '1' });
        return seeds;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** @param kinds of the requests, in turn */
    private static GuestLog frames(int kinds) {
        GuestLog log = new GuestLog("main", 0, 0);
        for (int i = 1; i <= 2 * FRAMES; i++) {
            long time = i * 8_000_000L;
            log.event(time,
                    "virtio_gpu_cmd_queue: vdev=0 vq=0 name=main type=0x%x flags=0x0 fence_id=0 num_free=9 seqno=%d"
                            .formatted(0x100 + i / 3 % kinds, i));
            log.event(time + 300_000, "irq_handler_entry: irq=25 name=virtio0-main");
            log.event(time + 400_000,
                    "virtio_gpu_cmd_response: vdev=0 vq=0 name=main type=0x1100 num_free=9 seqno=" + i);
        }
        return log;
    }

    @BeforeAll
    static void record() throws Exception {
        try (StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, EVENTS)) {
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
    }

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(GuestTraceFuzzTest.class, "traces", seeds());
    }

    @FuzzTest
    void traces(byte[] input) throws IOException {
        Path file = Files.createTempFile(folder, "guest", ".trace");
        try (Recording recording = Recording.open(new ProfileFolder(folder).recording())) {
            Files.write(file, input);
            GuestMatch match = Objects.requireNonNull(GuestMatch.of(recording, GuestTrace.read(file)),
                    "there is a trace");
            GuestClock clock = match.clock();
            if (clock == null) {
                assertThat(match.problems()).isNotEmpty();
                assertThat(match.matched()).isZero();
            } else {
                assertThat(match.device()).isEqualTo("staged");
                assertThat(match.matched()).isBetween(0L, Math.min(match.requests(), 2L * FRAMES));
                assertThat(clock.uncertainty()).isBetween(clock.least(), 1e18);
                assertThat(clock.guest(clock.host(123)) - 123).isBetween(-2L, 2L);
            }
            assertThat(match.problems()).allSatisfy(problem -> assertThat(problem).matches("[^\n]{10,300}"));
            Profile profile = Profile.of(recording, match);
            Profile alone = Profile.of(recording);
            List<Frame> frames = profile.devices().getFirst().frames();
            assertThat(frames).hasSameSizeAs(alone.devices().getFirst().frames());
            for (Frame frame : frames)
                assertThat(Arrays.stream(frame.stages()).sum()).isEqualTo(frame.nanos());
            assertThat(profile.devices().getFirst().of(Stage.COPY).sum())
                    .isEqualTo(alone.devices().getFirst().of(Stage.COPY).sum());
            PerfettoExport.write(recording, profile, OutputStream.nullOutputStream());
            assertThat(new HtmlReport(profile, null, List.of(), 0).text())
                    .contains(Objects.requireNonNull(profile.guest()).clock() == null ? "is not in this profile" : "±");
        } finally {
            Files.delete(file);
        }
    }
}
