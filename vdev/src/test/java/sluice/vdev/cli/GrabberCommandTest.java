package sluice.vdev.cli;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.grabber.GrabberDriver;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice grabber} as users and scripts start it. */
class GrabberCommandTest {
    private static final long PAGE = 4096;
    private static final long RAM = 4 * PAGE;
    private static final long BUS = 0x1000_0000;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = { "grabber", "grabber --socket-path=a --fd=3", "grabber --socket-path=a --fps=0",
            "grabber --socket-path=a --fps=1001", "grabber --socket-path=a --transport=vhost-user",
            "grabber --socket-path=a --pattern --file=b", "grabber --socket-path=a --coherency=warm",
            "grabber --socket-path=a --record=b --record-events=3", "grabber --socket-path=a --inject=explode",
            "grabber --socket-path=a --inject=deny --inject=deny",
            "grabber --socket-path=a --inject=drop-invalidation",
            "grabber --socket-path=a --inject=stray-read,address=1", "grabber --socket-path=a --fps=1 --fps=2" })
    void wrongUsageExitsWith2(String line) throws IOException {
        // Not in the folder that another test uses at the same time.
        String inside = line.replace("=a", "=" + folder.resolve("a"));
        try (SluiceProgram program = SluiceProgram.start(folder, inside.split(" ", -1))) {
            assertThat(program.status()).isEqualTo(2);
            assertThat(program.errors()).isNotBlank().doesNotContain("\tat ");
        }
    }

    @Test
    void wrongValuesAreToldAsTheyWereGiven() throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, "grabber", "--socket-path=" + folder.resolve("a"),
                "--fps=0")) {
            assertThat(program.status()).isEqualTo(2);
            assertThat(program.errors())
                    .isEqualTo("sluice: --fps=0: give a number from 1 to 1000 (see ./sluice grabber --help)\n");
        }
    }

    @ParameterizedTest
    @CsvSource({ "--fd=777, --fd=777", "--fd=0, not a socket", "--socket-path=/nonexistent/s, ENOENT",
            "--socket-path=s --stats=/nonexistent/s, no such folder: /nonexistent" })
    void whatCannotBeDoneFailsWithOneSentence(String option, String part) throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, ("grabber " + option).split(" ", -1))) {
            assertThat(program.status()).as("%s%s", program.output(), program.errors()).isEqualTo(1);
            assertThat(program.errors().lines()).hasSize(1).first().asString().startsWith("sluice: ").contains(part);
        }
    }

    @Test
    void capabilitiesAreJson() throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, "grabber", "--print-capabilities")) {
            assertThat(program.status()).isZero();
            assertThat(program.output()).contains("\"type\": \"grabber\"");
        }
    }

    @Test
    void sigtermWithAFrontEndAttachedEndsInOrder() throws IOException {
        Path socket = folder.resolve("grabber.sock");
        Path pictures = folder.resolve("pictures.y4m");
        Files.writeString(pictures, "YUV4MPEG2 W1 H1 Cmono\nFRAME\nx");
        try (SluiceProgram program = SluiceProgram.start(folder, "grabber", "--socket-path=" + socket,
                "--file=" + pictures, "--fps=30")) {
            program.awaitLine("attach it to QEMU ");
            assertThat(program.output()).contains("qemu-system-x86_64 -machine q35", "\"path\":\"" + socket + "\"}}'");
            try (VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket))) {
                client.agree();
                assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x12238086);
                program.terminate();
                assertThat(program.status()).as(program.errors()).isZero();
                assertThat(client.isClosed()).isTrue();
            }
            assertThat(socket).doesNotExist();
            assertThat(program.errors()).doesNotContain("\tat ").doesNotContain("SEVERE");
        }
    }

    @Test
    void statisticsAreOfNowAndOfTheEnd() throws Exception {
        Path socket = folder.resolve("grabber.sock");
        Path file = folder.resolve("statistics.json");
        try (SluiceProgram program = SluiceProgram.start(folder, "grabber", "--socket-path=" + socket,
                "--stats=" + file)) {
            program.awaitLine("listening on ");
            try (VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
                    GuestRam ram = GuestRam.single(RAM, 1)) {
                client.agree();
                for (long at = 0; at < RAM; at += PAGE)
                    assertThat(client.map(at, PAGE, at, VfioUserClient.MAP_READ, ram.file())).isZero();
                assertThat(client.unmap(0, PAGE)).isZero();
                new ProcessBuilder("kill", "-USR2", Long.toString(program.pid())).start().waitFor();
                program.awaitLine("statistics " + file);
                JsonObject space = JsonParser.parseString(Files.readString(file)).getAsJsonObject()
                        .getAsJsonObject("space");
                assertThat(space).hasToString("""
                        {"maps":4,"unmaps":1,"mappings":3,"mappedBytes":12288,"leaked":0}""");
            }
            try (VfioUserClient next = new VfioUserClient(UnixSocket.connect(socket));
                    GuestRam ram = GuestRam.single(RAM, 1)) {
                next.agree();
                assertThat(next.map(0, PAGE, 0, VfioUserClient.MAP_READ, ram.file())).isZero();
                program.terminate();
                assertThat(program.status()).as(program.errors()).isZero();
            }
            // Not the one that was sent away.
            assertThat(program.errors().lines().filter(line -> line.contains("left 3 ranges mapped, 12288 bytes")))
                    .as(program.errors()).hasSize(1);
            JsonObject end = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
            assertThat(end.getAsJsonObject("space")).hasToString("""
                    {"maps":5,"unmaps":5,"mappings":0,"mappedBytes":0,"leaked":3}""");
            assertThat(end.get("frames").getAsLong()).isZero();
            assertThat(end.getAsJsonObject("faults").entrySet()).isEmpty();
        }
    }

    @Test
    void aGrabberThatDoesNotSnoopIsSeenThroughItsUnmaps() throws Exception {
        Path socket = folder.resolve("grabber.sock");
        Path file = folder.resolve("statistics.json");
        Path recording = folder.resolve("grabber.rec");
        int frameBytes = 768 * 576;
        try (SluiceProgram program = SluiceProgram.start(folder, "grabber", "--socket-path=" + socket,
                "--coherency=non-coherent", "--stats=" + file, "--record=" + recording, "--fps=200")) {
            program.awaitLine("listening on ");
            try (VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
                    GuestRam ram = GuestRam.single(frameBytes, 1)) {
                client.agree();
                int readAndWrite = VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE;
                for (long at = 0; at < frameBytes; at += PAGE)
                    assertThat(client.map(BUS + at, PAGE, at, readAndWrite, ram.file())).isZero();
                try (GrabberDriver driver = new GrabberDriver(client)) {
                    driver.start(BUS, 768);
                    driver.awaitPicture();
                    driver.stop();
                }
                assertThat(ram.memory().toArray(ValueLayout.JAVA_BYTE)).as("before the unmap").containsOnly(0);
                ram.memory().set(ValueLayout.JAVA_BYTE, PAGE + 70, (byte) 1);
                assertThat(client.unmap(BUS, frameBytes)).isZero();
                byte[] expected = new byte[frameBytes];
                new TestPattern().fill(0, 768, 576, expected);
                assertThat(ram.memory().toArray(ValueLayout.JAVA_BYTE)).as("after it").isEqualTo(expected);
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.errors()).contains("CPU_WROTE_DEVICE_OWNED");
        }
        JsonObject end = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        JsonObject finding = end.getAsJsonArray("findings").get(0).getAsJsonObject();
        assertThat(finding.get("rule").getAsString()).isEqualTo("CPU_WROTE_DEVICE_OWNED");
        assertThat(finding.get("buffer").getAsString()).isEqualTo("0x10001000");
        assertThat(finding.get("from").getAsLong()).isEqualTo(70);
        assertThat(end.getAsJsonObject("ownership").get("invalidateExecuted").getAsLong()).isEqualTo(frameBytes);
        try (SluiceProgram program = SluiceProgram.start(folder, "trace", recording.toString(), "--frames")) {
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.output().lines().skip(1).findFirst()).hasValueSatisfying(
                    line -> assertThat(line).matches("grabber +0 .*"));
        }
    }
}
