package sluice.vdev.differential;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import com.google.gson.JsonParser;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** QEMU's {@code vhost-user-gpu} as a child process that serves one front-end. Closing it ends the process. */
final class PeerProgram implements AutoCloseable {
    /** By which libvirt and QEMU find it. */
    private static final Path MANIFEST = Path.of("/usr/share/qemu/vhost-user/50-qemu-gpu.json");
    private static final Path UDMABUF = Path.of("/dev/udmabuf");
    private static final Duration END = Duration.ofSeconds(5);

    private final Path folder;
    private final Process process;

    /**
     * Starts it.
     *
     * @param fill what its fresh memory holds, 0 to 254: it does not clear the images of new resources itself
     */
    PeerProgram(int fill) throws IOException {
        folder = Files.createTempDirectory("sluice-peer-");
        ProcessBuilder builder = new ProcessBuilder(binary().toString(), "--socket-path=" + socket())
                .directory(folder.toFile()).redirectErrorStream(true).redirectOutput(log().toFile());
        // The C library turns the bits of the number around; its caches of small blocks would be left out.
        builder.environment().put("GLIBC_TUNABLES",
                "glibc.malloc.perturb=" + (~fill & 0xff) + ":glibc.malloc.tcache_count=0");
        process = builder.start();
    }

    /** Skips the test without a peer, or with one that would show its pictures by dma-buf. */
    static void assumeUsable() throws IOException {
        assumeTrue(Files.isReadable(MANIFEST) && Files.isExecutable(binary()),
                "QEMU's vhost-user-gpu is not installed (Debian: qemu-system-gui)");
        assumeTrue(!Files.isReadable(UDMABUF), "with " + UDMABUF + " vhost-user-gpu sends no pixels, only dma-bufs");
    }

    private static Path binary() throws IOException {
        return Path.of(JsonParser.parseString(Files.readString(MANIFEST)).getAsJsonObject().get("binary")
                .getAsString());
    }

    /** Connects to it, which it allows once. */
    FrontEnd connect() {
        Fd[] connected = new Fd[1];
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                connected[0] = UnixSocket.connect(socket());
                return true;
            } catch (IOException e) {
                // Not there yet, or there but without a listener.
                return false;
            }
        }, "a connection to vhost-user-gpu");
        return new FrontEnd(connected[0]);
    }

    /** Whether it has ended by itself. */
    boolean hasEnded() {
        return !process.isAlive();
    }

    /** What it printed, at most its last 2000 characters. */
    String said() throws IOException {
        String text = Files.readString(log()).strip();
        return text.substring(Math.max(0, text.length() - 2000));
    }

    @Override
    public void close() throws IOException {
        process.destroy();
        try {
            if (!process.waitFor(END.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("vhost-user-gpu did not end at SIGTERM");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while vhost-user-gpu ended", e);
        } finally {
            // Its socket, its log, and what the kernel may have kept of one that crashed.
            try (Stream<Path> left = Files.list(folder)) {
                for (Path file : left.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private Path socket() {
        return folder.resolve("gpu.sock");
    }

    private Path log() {
        return folder.resolve("log");
    }
}
