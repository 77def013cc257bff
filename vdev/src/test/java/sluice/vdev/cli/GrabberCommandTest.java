package sluice.vdev.cli;

import java.io.IOException;
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

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice grabber} as users and scripts start it. */
class GrabberCommandTest {
    private static final long PAGE = 4096;
    private static final long RAM = 4 * PAGE;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = { "grabber", "grabber --socket-path=a --fd=3", "grabber --socket-path=a --fps=0",
            "grabber --socket-path=a --fps=1001", "grabber --socket-path=a --transport=vhost-user",
            "grabber --socket-path=a --pattern --file=b" })
    void wrongUsageExitsWith2(String line) throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, line.split(" ", -1))) {
            assertThat(program.status()).isEqualTo(2);
            assertThat(program.errors()).isNotBlank().doesNotContain("\tat ");
        }
    }

    @ParameterizedTest
    @CsvSource({ "--fd=777, --fd=777", "--fd=0, no socket", "--socket-path=/nonexistent/s, ENOENT",
            "--socket-path=s --stats=/nonexistent/s, there is no folder /nonexistent" })
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
            program.awaitLine("attach it to QEMU 10.1 or later with: qemu-system-x86_64 -machine q35");
            assertThat(program.output()).contains("\"path\":\"" + socket + "\"}}'");
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
                        {"maps":4,"unmaps":1,"mappings":3,"mappedBytes":12288}""");
                program.terminate();
                assertThat(program.status()).as(program.errors()).isZero();
            }
            JsonObject end = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
            assertThat(end.getAsJsonObject("space")).hasToString("""
                    {"maps":4,"unmaps":4,"mappings":0,"mappedBytes":0}""");
            assertThat(end.get("frames").getAsLong()).isZero();
            assertThat(end.getAsJsonObject("faults").entrySet()).isEmpty();
        }
    }
}
