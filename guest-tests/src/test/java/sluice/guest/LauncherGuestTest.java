package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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
    private static final String FOLDER = "bücher, alt";
    private static final String HOST = """
            set -e
            mount --make-rprivate /
            mount --bind "$1" /mnt
            mount -t tmpfs -o noexec tmpfs /tmp
            cd /mnt
            shift
            exec env -u LC_ALL -u LC_CTYPE LANG=C ./sluice "$@"
            """;
    private static final int GET_FEATURES = 1;
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 12;

    static List<List<String>> commands() {
        return Configurations.of(List.of(),
                List.of(List.of("gpu", "--socket-path="), List.of("serve", "--device=gpu,socket-path=")));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("commands")
    @Timeout(300)
    void itServesWithANoexecTmpAndTheLocaleC(List<String> command) throws Exception {
        assumeTrue(Files.exists(CHECKOUT.resolve("vdev/target/vdev-0.1.0-SNAPSHOT.jar")),
                "the module vdev is not packaged yet");
        Path folder = Files.createDirectories(Path.of("target").resolve(FOLDER));
        assumeTrue((Integer) Files.getAttribute(folder, "unix:uid") == 0, "only root mounts file systems");
        Path socket = folder.resolve("größe.sock");
        Files.deleteIfExists(socket);
        Path errors = folder.resolve("errors");
        Path asked = Path.of("/mnt/guest-tests").resolve(socket);
        List<String> words = new ArrayList<>(
                List.of("unshare", "--mount", "bash", "-c", HOST, "bash", CHECKOUT.toString()));
        words.add(command.getFirst());
        // Options of a device are divided by commas, so a comma in one is written twice.
        String name = command.getFirst().equals("serve") ? asked.toString().replace(",", ",,") : asked.toString();
        words.add(command.getLast() + name);
        Process process = new ProcessBuilder(words).redirectError(errors.toFile()).start();
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(lines.readLine()).as(() -> said(errors)).isEqualTo("listening on " + asked);
            assertThat(lines.readLine()).as("the command for QEMU quotes it").contains("'").contains("größe.sock");
            assertThat(features(socket)).isNotZero();
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

    /** What the back-end answers to GET_FEATURES (QEMU docs/interop/vhost-user.rst). */
    private static long features(Path socket) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            channel.write(ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(GET_FEATURES)
                    .putInt(VERSION).putInt(0).flip());
            ByteBuffer answer = ByteBuffer.allocate(HEADER_BYTES + Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (answer.hasRemaining()) {
                if (channel.read(answer) < 0) throw new IOException("the back-end has gone before its first answer");
            }
            return answer.getLong(HEADER_BYTES);
        }
    }
}
