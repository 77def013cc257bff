package sluice.vdev.profile;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.trace.recording.Recording;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;

import static org.assertj.core.api.Assertions.assertThat;

/** A guest's trace that belongs to a recording, and what becomes of it if the guest has cut or changed it. */
class GuestMatchTest {
    private static final int FRAMES = 15;
    private static final int REQUESTS = 2 * FRAMES + 4 * StagedDevice.BATCHES;
    private static final int EVENTS = 4096;

    @TempDir
    private Path folder;
    private ProfileFolder files = new ProfileFolder(Path.of("."));
    private String trace = "";

    @BeforeEach
    void record() throws Exception {
        StagedDevice device = new StagedDevice(folder, RingKind.SPLIT, EVENTS);
        try (device) {
            device.tellGuest(7_000_000_000_000L, 3e-4);
            for (int i = 0; i < FRAMES; i++) device.frame();
        }
        files = device.folder();
        trace = Files.readString(files.guestTrace());
    }

    private Profile with(String text) throws IOException {
        Files.writeString(files.guestTrace(), text, StandardCharsets.ISO_8859_1);
        files.write(List.of());
        return files.read();
    }

    private static GuestMatch guest(Profile profile) {
        return Objects.requireNonNull(profile.guest());
    }

    /** The trace, with the line of an event changed. */
    private String changed(String event, int number, String pattern, String by) {
        Pattern line = Pattern.compile("(?m)^.*" + event + ".* seqno=" + number + "$");
        String before = line.matcher(trace).results().map(MatchResult::group).findFirst().orElseThrow();
        return trace.replace(before, before.replaceFirst(pattern, by));
    }

    /** The guest's part is not there, the device's is, and the report says why. */
    private void refused(Profile profile, String reason) throws IOException {
        assertThat(guest(profile).clock()).isNull();
        assertThat(guest(profile).problems()).first().asString().contains("is not in this profile", reason);
        DeviceProfile device = profile.devices().getFirst();
        assertThat(device.frameCount()).isEqualTo(FRAMES);
        assertThat(device.of(Stage.SUBMIT).sum() + device.of(Stage.DRIVER).sum()).isZero();
        assertThat(device.of(Stage.COPY).sum()).isPositive();
        assertThat(Files.readString(files.report())).contains(reason, "No driver of a guest is in this report");
    }

    @Test
    void aWholeTraceIsInTheReportAndInTheTrace() throws Exception {
        Profile profile = with(trace);
        assertThat(guest(profile).problems()).isEmpty();
        assertThat(guest(profile).matched()).isEqualTo(guest(profile).requests()).isEqualTo(REQUESTS);
        assertThat(guest(profile).takenEarly()).isZero();
        assertThat(profile.devices().getFirst().of(Stage.SUBMIT).sum()).isPositive();
        assertThat(Files.readString(files.report()))
                .contains("%d of the %d requests".formatted(REQUESTS, REQUESTS), "±",
                        "submit to kick")
                .doesNotContain("No driver of a guest is in this report");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Recording recording = Recording.open(files.recording())) {
            PerfettoExport.write(recording, profile, out);
        }
        assertThat(out.toString(StandardCharsets.ISO_8859_1)).contains("Guest", "submit to kick", "answer to interrupt",
                "interrupts");
    }

    @Test
    void aTraceThatIsCutInTheMiddleIsUsedAsFarAsItGoes() throws Exception {
        Profile profile = with(trace.substring(0, trace.length() / 2) + "\n# SLUICE cut\n");
        assertThat(guest(profile).problems()).anyMatch(problem -> problem.contains("is cut"));
        assertThat(guest(profile).matched()).isBetween(REQUESTS / 3L, REQUESTS * 2L / 3);
        assertThat(profile.devices().getFirst().frameCount()).isEqualTo(FRAMES);
        assertThat(Files.readString(files.report())).contains("is cut", "±");
    }

    @Test
    void aGuestThatContradictsItselfIsTold() throws Exception {
        refused(with(changed("cmd_response", 20, "\\d+\\.\\d{6}:", "0.000001:")), "No clock of constant drift fits");
        refused(with(changed("cmd_queue", 19, "\\d+\\.(?=\\d)", "999999999.")), "No clock of constant drift fits");
        refused(with(trace.replaceAll("type=0x\\d+", "type=0x1")), "of different kinds");
        refused(with(trace.replace("virtio_gpu_cmd", "virtio_gpu_no")), "no events of virtio_gpu");
        refused(with(trace.replace("name=main", "name=other")), "no requests with the same numbers");
        refused(with(trace.replaceAll("(?m)^.*cmd_response.*$", "")), "no requests with the same numbers");
        refused(with(""), "no events of virtio_gpu");
    }

    @Test
    void anAnswerInTheFarFutureIsLeftOut() throws Exception {
        Profile profile = with(changed("cmd_response", 20, "\\d+\\.(?=\\d)", "999999999."));
        assertThat(guest(profile).problems()).containsExactly(
                "1 requests of the guest's trace have times outside of the recording, and are left out.");
        assertThat(guest(profile).matched()).isEqualTo(REQUESTS - 1);
        assertThat(profile.devices().getFirst().total().quantile(1)).isLessThan(60_000_000_000L);
    }

    /** The same from a recording whose begin is overwritten, because each request has its number. */
    @Test
    void theBeginOfTheRecordingIsNotNeeded() throws Exception {
        StagedDevice device = new StagedDevice(folder.resolve("short"), RingKind.SPLIT, 256);
        try (device) {
            device.tellGuest(-1_000_000, 0);
            device.slow(Stage.GUEST, 600_000); // faster ones would be told in batches
            for (int i = 0; i < 4 * FRAMES; i++) device.frame();
        }
        Profile profile = device.folder().read();
        assertThat(profile.missed().overwritten()).isPositive();
        assertThat(guest(profile).matched()).isBetween(2L * StagedDevice.BATCHES, guest(profile).requests() - 1);
        GuestClock clock = Objects.requireNonNull(guest(profile).clock());
        assertThat(clock.uncertainty()).isLessThan(20e6);
    }
}
