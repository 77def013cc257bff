package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.FrontEnd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * The checkout's launcher on a host with a /tmp from which nothing can be executed and with the locale C, for paths with a blank, a
 * comma and letters beyond ASCII. The checkout is mounted on /mnt, for it may be below /tmp.
 */
@Tag("guest")
@Tag("matrix")
class LauncherGuestTest {
    private static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();
    private static final Path FOLDER = Path.of("target/launcher");
    /** The shell makes the name from bytes, and a link to it: a JVM in the locale C, as that of this test may be, cannot pass it on. */
    private static final String HOST = """
            set -e
            mount --make-rprivate /
            mount --bind "$1" /mnt
            mount -t tmpfs -o noexec tmpfs /tmp
            cd /mnt
            folder=/mnt/guest-tests/$2
            name=$'b\\xc3\\xbccher, alt'
            mkdir -p "$folder/$name"
            ln -sfn "$name" "$folder/plain"
            socket=$folder/$name/sluice.sock
            option=--socket-path=$socket
            # Options of a device are divided by commas, so a comma in one is written twice.
            [[ $3 == gpu ]] || option=--device=gpu,socket-path=${socket//,/,,}
            exec env -u LC_ALL -u LC_CTYPE LANG=C ./sluice "$3" "$option"
            """;

    static List<String> commands() {
        return Configurations.of(List.of(), List.of("gpu", "serve"));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("commands")
    @Timeout(300)
    void itServesWithANoexecTmpAndTheLocaleC(String command) throws Exception {
        assumeTrue(Files.exists(CHECKOUT.resolve("vdev/target/vdev-0.1.0-SNAPSHOT.jar")),
                "the module vdev is not packaged yet");
        Files.createDirectories(FOLDER);
        assumeTrue((Integer) Files.getAttribute(FOLDER, "unix:uid") == 0, "only root mounts file systems");
        Path socket = FOLDER.resolve("plain/sluice.sock");
        Path errors = FOLDER.resolve("errors");
        String asked = "/mnt/guest-tests/" + FOLDER + "/b\u00fccher, alt/sluice.sock";
        List<String> words = List.of("unshare", "--mount", "bash", "-c", HOST, "bash", CHECKOUT.toString(),
                FOLDER.toString(), command);
        Process process = new ProcessBuilder(words).redirectError(errors.toFile()).start();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(lines.readLine()).as(() -> said(errors)).isEqualTo("listening on " + asked);
            assertThat(lines.readLine()).as("the command for QEMU quotes it").contains("'",
                    "b\u00fccher,, alt/sluice.sock");
            try (FrontEnd front = new FrontEnd(UnixSocket.connect(socket))) {
                assertThat(front.getFeatures()).isNotZero();
            }
            process.destroy();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(() -> said(errors)).isZero();
        } finally {
            process.destroyForcibly();
        }
        assertThat(socket).doesNotExist();
        assertThat(said(errors).lines().filter(line -> !line.startsWith("sluice: preparing"))).as(() -> said(errors))
                .noneMatch(line -> line.contains("Exception") || line.startsWith("\tat ") || line.contains("WARN"));
    }

    private static String said(Path errors) {
        try {
            return Files.readString(errors);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
