package sluice.vdev.display;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.vdev.fixture.TlsFiles;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The options of a VNC server: what a user may ask for, and what is refused with the reason. */
class ViewerOptionsTest {
    @TempDir
    private Path folder;

    private String served(String... options) throws IOException, WrongOptionException {
        return new ServedDevice(new GpuProvider(), options).end();
    }

    @Test
    void aServerListensAndIsCounted() throws IOException, WrongOptionException {
        Path socket = folder.resolve("screen");
        try (ServedDevice device = new ServedDevice(new GpuProvider(), "vnc", "unix:" + socket, "outputs", "2")) {
            assertThat(socket).exists();
            assertThat(folder.resolve("screen.1")).exists();
            assertThat(device.end()).contains("\"viewers\"");
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aPortThatOthersReachNeedsAPasswordAndTheUsersWord() throws IOException, WrongOptionException {
        Path password = Files.writeString(folder.resolve("password"), "secret\n");
        served("vnc", "0.0.0.0:0", "vnc-remote", "", "vnc-password-file", password.toString());
        assertThatThrownBy(() -> served("vnc", "0.0.0.0:0", "vnc-remote", ""))
                .hasMessageContaining("other hosts can reach it; give vnc-password-file=FILE, or vnc-token-file");
        assertThatThrownBy(() -> served("vnc", "0.0.0.0:0", "vnc-password-file", password.toString()))
                .hasMessageContaining("or vnc-remote if you mean it");
    }

    @Test
    void aPortThatOthersReachMayHaveATokenInTls() throws IOException, WrongOptionException {
        String token = Files.writeString(folder.resolve("token"), "0123456789abcdef\n").toString();
        TlsFiles files = TlsFiles.make(folder, "-keyalg", "EC");
        served("vnc", "0.0.0.0:0", "vnc-remote", "", "vnc-token-file", token, "vnc-tls-cert",
                files.certificate().toString(), "vnc-tls-key", files.key().toString());
        for (String option : List.of("vnc-token-file", "vnc-tls-key"))
            assertThatThrownBy(() -> served("vnc", "127.0.0.1:0", option, token))
                    .isInstanceOf(WrongOptionException.class).hasMessageContaining(option + " needs vnc-tls-cert=FILE");
        assertThatThrownBy(() -> served("vnc", "127.0.0.1:0", "vnc-tls-cert", files.certificate().toString()))
                .isInstanceOf(IOException.class).hasMessageContaining("certificate.pem has no key");
        assertThatThrownBy(() -> served("vnc", "0.0.0.0:0", "vnc-remote", "", "vnc-tls-cert",
                files.certificate().toString(), "vnc-tls-key", files.key().toString()))
                .hasMessageContaining("other hosts can reach it");
    }

    @ParameterizedTest
    @CsvSource({ "vnc,5900,give unix:PATH or ADDRESS:PORT", "vnc,127.0.0.1:65536,give unix:PATH or ADDRESS:PORT",
            "vnc-tls-cert,none,vnc-tls-cert needs vnc=ADDRESS",
            "vnc-seat,desk,vnc-seat needs vnc=ADDRESS", "vnc-remote,'',vnc-remote needs vnc=ADDRESS" })
    void aWrongOptionIsNamed(String option, String value, String message) {
        assertThatThrownBy(() -> served(option, value)).isInstanceOf(WrongOptionException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aPasswordFileThatIsMissingIsNamed() {
        assertThatThrownBy(() -> served("vnc", "127.0.0.1:0", "vnc-password-file", folder + "/none"))
                .isInstanceOf(IOException.class).hasMessageContaining("none cannot be read");
    }
}
