package sluice.guest.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.Configurations;
import sluice.guest.GpuProvider;
import sluice.guest.Picture;
import sluice.guest.TestGpus;
import sluice.guest.TestPattern;
import sluice.guest.TestQemu;
import sluice.vdev.profile.DeviceProfile;
import sluice.vdev.profile.Profile;
import sluice.vdev.profile.ProfileFolder;
import sluice.vdev.profile.Stage;
import sluice.vdev.profile.guest.GuestClock;
import sluice.vdev.profile.guest.GuestMatch;

import static org.assertj.core.api.Assertions.assertThat;

/** The whole demo as its user sees it: exit codes, sentences, files. */
@Tag("guest")
@Isolated("it replaces the standard streams")
class DemoGuestTest {
    private final CapturedStreams streams = new CapturedStreams();

    @TempDir
    private Path folder;

    @AfterEach
    void restore() {
        streams.close();
        System.clearProperty("sluice.launcher");
    }

    static List<TestQemu> configurations() {
        return Configurations.of(List.of(TestQemu.QEMU_10), List.of(TestQemu.QEMU_11));
    }

    /** Our GPU, started through a launcher as the real one is: the shortest whole demo. */
    @Tag("matrix")
    @ParameterizedTest
    @MethodSource("configurations")
    void theWholeDemoOnOurGpu(TestQemu qemu) throws IOException, InterruptedException {
        System.setProperty("sluice.launcher", launcher().toString());
        assertThat(Demo.run("--qemu=" + qemu.binary().path(), "--out=" + folder, "--json", "--frames=20"))
                .as(streams.errors()).isZero();

        JsonObject report = JsonParser.parseString(streams.output()).getAsJsonObject();
        assertThat(report).isEqualTo(JsonParser.parseString(Files.readString(folder.resolve("report.json"))));
        assertThat(report.get("ok").getAsBoolean()).isTrue();
        assertThat(report.get("qemu").getAsString()).isEqualTo(qemu.binary().version());
        assertThat(report.get("frames").getAsInt()).isEqualTo(21);
        assertThat(report.getAsJsonArray("pictures").asList()).extracting(DemoGuestTest::file).containsExactly(
                "qemu-screen.png",
                "screen.png");
        // Each frame is transferred before it is shown, whole: nothing less, whatever the kernel's own console adds.
        JsonObject gpu = report.getAsJsonObject("gpu");
        assertThat(gpu.getAsJsonObject("commands").get("RESOURCE_FLUSH").getAsInt()).isGreaterThanOrEqualTo(21);
        assertThat(gpu.getAsJsonObject("copiedBytes").get("transfer").getAsLong())
                .isGreaterThanOrEqualTo(21L * 1280 * 800 * 4);
        Picture expected = TestPattern.picture(1280, 800, 20);
        assertThat(expected.difference(Picture.read(folder.resolve("screen.png")))).isEmpty();
        assertThat(expected.difference(Picture.read(folder.resolve("qemu-screen.png")))).isEmpty();
    }

    /** Page flips of the guest's own pages: no pixel is copied, and what the snapshot reads is the observer's. */
    @Test
    void theDemoOfBlobsCopiesNothing() throws IOException, InterruptedException {
        System.setProperty("sluice.launcher", launcher().toString());
        assertThat(Demo.run("--mode=blob", "--qemu=" + TestQemu.QEMU_11.binary().path(), "--out=" + folder, "--json",
                "--frames=20")).as(streams.errors()).isZero();

        JsonObject report = JsonParser.parseString(streams.output()).getAsJsonObject();
        assertThat(report.get("bytesCopied").getAsLong()).isZero();
        JsonObject gpu = report.getAsJsonObject("gpu");
        assertThat(gpu.getAsJsonObject("commands").get("SET_SCANOUT_BLOB").getAsInt()).isGreaterThanOrEqualTo(21);
        assertThat(gpu.get("observerBytes").getAsLong()).isEqualTo(1280 * 800 * 4);
        Picture expected = TestPattern.picture(1280, 800, 20);
        assertThat(expected.difference(Picture.read(folder.resolve("screen.png")))).isEmpty();
        assertThat(folder.resolve("qemu-screen.png")).doesNotExist();
    }

    static List<TestQemu> profiled() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_10, TestQemu.QEMU_11));
    }

    /** The driver of a stock kernel is in the profile, on the device's clock: with copies on one QEMU, with blobs on the other. */
    @Tag("matrix")
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("profiled")
    void aProfileHasTheGuestsDriver(TestQemu qemu) throws IOException, InterruptedException {
        System.setProperty("sluice.launcher", launcher().toString());
        assertThat(Demo.run("--mode=" + (qemu == TestQemu.QEMU_10 ? "2d" : "blob"), "--profile",
                "--qemu=" + qemu.binary().path(), "--out=" + folder, "--json", "--frames=60")).as(streams.errors())
                .isZero();

        ProfileFolder files = new ProfileFolder(folder.resolve("profile"));
        Profile profile = files.read();
        GuestMatch guest = Objects.requireNonNull(profile.guest());
        assertThat(guest.problems()).isEmpty();
        DeviceProfile gpu = profile.devices().getFirst();
        long requests = gpu.requests().stream().mapToLong(kind -> kind.total().count()).sum();
        assertThat(guest.requests()).isBetween(requests * 95 / 100, requests);
        assertThat(guest.matched()).isBetween(requests * 95 / 100, requests);
        assertThat(guest.takenEarly()).as("requests that the device took before the driver had queued them").isZero();
        GuestClock clock = Objects.requireNonNull(guest.clock());
        assertThat(clock.uncertainty()).isBetween(0.0, 20e6);
        assertThat(clock.driftMicros()).isBetween(-1000.0, 1000.0);
        assertThat(Files.readString(files.report())).contains(
                "%d of the %d requests of its trace".formatted(guest.matched(), guest.requests()),
                "Its clock is known to ±",
                "submit to kick", "answer to interrupt", "interrupt to driver");
        assertThat(gpu.frames()).hasSizeGreaterThanOrEqualTo(61).allSatisfy(
                frame -> assertThat(LongStream.of(frame.stages()).sum()).isEqualTo(frame.nanos()));
        assertThat(gpu.of(Stage.DELIVERY).quantile(0.5)).as("an emulated interrupt takes its time").isPositive();
    }

    static List<TestQemu> withCodec() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    /** Each frame that ffmpeg gets from the codec device is libavcodec's, and so is the picture on the GPU. */
    @Tag("matrix")
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("withCodec")
    void theDemoOfVideoShowsWhatLibavcodecDecodes(TestQemu qemu) throws IOException, InterruptedException {
        System.setProperty("sluice.launcher", launcher().toString());
        assertThat(Demo.run("--mode=video", "--qemu=" + qemu.binary().path(), "--out=" + folder, "--json",
                "--frames=40")).as(streams.errors()).isZero();

        JsonObject report = JsonParser.parseString(streams.output()).getAsJsonObject();
        assertThat(report).isEqualTo(JsonParser.parseString(Files.readString(folder.resolve("report.json"))));
        assertThat(report.get("verdict").getAsString()).isEmpty();
        assertThat(report.get("framesDecoded").getAsInt()).isEqualTo(40);
        assertThat(report.get("framesFromDevice").getAsInt()).isEqualTo(40);
        assertThat(report.get("copiedByCodec").getAsLong()).isZero();
        assertThat(report.getAsJsonObject("gpu").getAsJsonObject("commands").get("SET_SCANOUT_BLOB").getAsInt())
                .isGreaterThanOrEqualTo(40);
        assertThat(Picture.read(folder.resolve("screen.png")).width()).isEqualTo(1280);
    }

    @Test
    void aGpuThatDoesNotStartIsNamedWithWhatItSaid() throws IOException {
        Path broken = script("#!/bin/sh\necho no luck today >&2\nexit 7\n");
        System.setProperty("sluice.launcher", broken.toString());
        assertThat(Demo.run("--out=" + folder)).isEqualTo(1);
        assertThat(streams.errors()).startsWith("sluice: the GPU process ended").contains("no luck today");
    }

    private static String file(JsonElement picture) {
        return picture.getAsJsonObject().get("file").getAsString();
    }

    private Path launcher() throws IOException {
        List<String> command = ((GpuProvider.Command) TestGpus.sluice()).command();
        assertThat(command.getLast()).as("what the demo itself says").isEqualTo("gpu");
        StringBuilder text = new StringBuilder("#!/bin/sh\nexec");
        for (String word : command.subList(0, command.size() - 1)) text.append(" '").append(word).append('\'');
        return script(text + " \"$@\"\n");
    }

    private Path script(String text) throws IOException {
        Path file = Files.createTempFile(folder, "launcher-", ".sh",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        return Files.writeString(file, text);
    }
}
