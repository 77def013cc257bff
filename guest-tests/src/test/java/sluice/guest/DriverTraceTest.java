package sluice.guest;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** The guest's end of the line on which it prints its trace: one that keeps to it, and others. */
class DriverTraceTest {
    private static final String END = "# SLUICE end\n";

    @TempDir
    private Path folder;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static boolean copied(String text, long most, ByteArrayOutputStream out) throws IOException {
        return DriverTrace.copy(new ByteArrayInputStream(bytes(text)), out, most);
    }

    @Test
    void aTraceEndsWhereTheGuestSaysSo() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(copied("a line\n" + END, 1 << 20, out)).isTrue();
        assertThat(out.toString(StandardCharsets.US_ASCII)).isEqualTo("a line\n" + END);
        assertThat(copied("a line", 1 << 20, new ByteArrayOutputStream())).as("the machine has ended").isFalse();
    }

    @Test
    void noMoreIsKeptThanIsAllowed() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(copied("a line\n".repeat(100_000) + END, 1000, out)).isFalse();
        assertThat(out.size()).as("one piece").isBetween(1000, 1 << 16);
    }

    /** The driver's own line, with a test in the place of QEMU. */
    private boolean written(String said, Path file, Duration limit) throws IOException {
        try (DriverTrace trace = DriverTrace.open();
                SocketChannel qemu = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            String chardev = trace.qemuArguments().get(1);
            qemu.connect(UnixDomainSocketAddress.of(chardev.substring(chardev.indexOf("path=") + 5)));
            qemu.write(ByteBuffer.wrap(bytes(said)));
            boolean isWhole = trace.write(file, limit);
            ByteBuffer asked = ByteBuffer.allocate(1);
            assertThat(qemu.read(asked)).as("the question").isEqualTo(1);
            return isWhole;
        }
    }

    @Test
    void theGuestIsAskedAndItsAnswerIsWritten() throws Exception {
        Path file = folder.resolve("trace");
        assertThat(written("a line\n" + END, file, Duration.ofMinutes(1))).isTrue();
        assertThat(file).hasContent("a line\n" + END);
    }

    @Test
    void aGuestThatDoesNotEndIsCutAfterItsTime() throws Exception {
        Path file = folder.resolve("trace");
        assertThat(written("a line\na l", file, Duration.ofMillis(50))).isFalse();
        assertThat(Files.readString(file)).endsWith("\n# SLUICE cut\n");
    }
}
