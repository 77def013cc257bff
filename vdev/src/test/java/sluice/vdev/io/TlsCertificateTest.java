package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.TlsFiles;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The files of a certificate: which are taken, and what is said of the others. */
class TlsCertificateTest {
    @TempDir
    private static Path made;
    private static TlsFiles files;

    @TempDir
    private Path folder;

    @BeforeAll
    static void make() throws IOException {
        files = TlsFiles.make(made, "-keyalg", "EC");
    }

    private static void refused(Path certificate, Path key, String why) {
        assertThatThrownBy(() -> TlsCertificate.of(certificate, key)).isInstanceOf(IOException.class)
                .hasMessageContaining(why);
    }

    @ParameterizedTest
    @ValueSource(strings = { "RSA", "EC", "Ed25519" })
    void everyUsualKindOfKeyIsTaken(String kind) throws IOException {
        TlsFiles own = TlsFiles.make(folder, "-keyalg", kind);
        assertThat(TlsCertificate.of(own.certificate(), own.key())).isNotNull();
    }

    @Test
    void oneFileMayHaveBoth() throws IOException {
        Path both = Files.writeString(folder.resolve("both.pem"),
                "what openssl says before\n" + Files.readString(files.key()) + Files.readString(files.certificate()));
        assertThat(TlsCertificate.of(both, both)).isNotNull();
    }

    @Test
    void aFileThatLacksItsPartIsNamed() {
        refused(files.key(), files.key(), "key.pem has no certificate");
        refused(files.certificate(), files.certificate(), "certificate.pem has no key");
        refused(folder.resolve("none"), files.key(), "none cannot be read");
        refused(files.certificate(), folder, "cannot be read");
    }

    @ParameterizedTest
    @ValueSource(strings = { "RSA", "EC" })
    void theKeyOfAnotherCertificateIsRefused(String kind) throws IOException {
        TlsFiles other = TlsFiles.make(folder, "-keyalg", kind);
        refused(files.certificate(), other.key(), "is not that of");
    }

    @ParameterizedTest
    @CsvSource({ "RSA PRIVATE KEY,openssl pkcs8 -topk8 -nocrypt",
            "ENCRYPTED PRIVATE KEY,openssl pkcs8 -topk8 -nocrypt" })
    void aKeyInAnotherFormIsRefusedWithTheCommandThatConvertsIt(String label, String why) throws IOException {
        Path key = Files.writeString(folder.resolve("key.pem"),
                Files.readString(files.key()).replace("PRIVATE KEY", label));
        refused(files.certificate(), key, why);
    }

    @Test
    void damageIsNamed() throws IOException {
        String whole = Files.readString(files.certificate());
        Path cut = Files.writeString(folder.resolve("cut.pem"), whole.replaceFirst("(?s)\n[^\n]+\n[^\n]+\n", "\n"));
        refused(cut, files.key(), "cut.pem is damaged");
        Path key = Files.writeString(folder.resolve("key.pem"),
                Files.readString(files.key()).replaceFirst("(?s)\n....", "\nAAAA"));
        refused(files.certificate(), key, "is not that of");
        Path large = Files.write(folder.resolve("large.pem"), new byte[(1 << 20) + 1]);
        refused(large, files.key(), "longer than 1 MiB");
    }

    @Test
    void anExpiredCertificateIsTakenWithAWarning() throws IOException {
        TlsFiles old = TlsFiles.make(folder, "-keyalg", "EC", "-startdate", "-30d", "-validity", "10");
        try (LogTap log = new LogTap()) {
            assertThat(TlsCertificate.of(old.certificate(), old.key())).isNotNull();
            assertThat(log.count("viewers will refuse the certificate in ")).isEqualTo(1);
        }
    }
}
