package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.VfioUserClient;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice grabber} as users and scripts start it. */
class GrabberCommandTest {
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
    @CsvSource({ "--fd=777, --fd=777", "--fd=0, no socket", "--socket-path=/nonexistent/s, ENOENT" })
    void whatCannotBeDoneFailsWithOneSentence(String option, String part) throws IOException {
        try (SluiceProgram program = SluiceProgram.start(folder, "grabber", option)) {
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
}
