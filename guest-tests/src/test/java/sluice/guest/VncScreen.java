package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/** What a stock VNC viewer sees of a GPU: gvnccapture of gtk-vnc, which connects, saves one picture, and goes. */
final class VncScreen implements PatternGuest.Screen {
    private static final Pattern ADDRESS = Pattern.compile("^screen 0 of gpu: vnc 127\\.0\\.0\\.1:(\\d+)$");
    /** Viewers count displays from this port. */
    private static final int FIRST_PORT = 5900;

    private final List<String> viewer;
    private final String display;
    private final Path folder;

    /** @param folder for pictures */
    VncScreen(VhostUserGpu gpu, Path folder) {
        this(gpu, folder, null);
    }

    /** @param trusted a certificate of the server, the only one that the viewer trusts; null for a screen without TLS */
    VncScreen(VhostUserGpu gpu, Path folder, @Nullable Path trusted) {
        // It uses GnuTLS, which has the certificates of the system. Only root mounts.
        viewer = trusted == null
                ? List.of("gvnccapture")
                : List.of("unshare", "--mount", "sh", "-ec",
                        "mount --bind \"$1\" /etc/ssl/certs/ca-certificates.crt; shift; exec gvnccapture \"$@\"", "sh",
                        trusted.toString());
        int port = gpu.output().lines().stream().map(ADDRESS::matcher).filter(Matcher::matches)
                .map(line -> Integer.parseInt(line.group(1))).findFirst()
                .orElseThrow(() -> new AssertionError("the GPU has no VNC server: " + gpu.output().lines()));
        display = "127.0.0.1:" + (port - FIRST_PORT);
        this.folder = folder;
    }

    @Override
    public Optional<Picture.Difference> await(Picture expected, Duration limit)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            boolean last = System.nanoTime() > deadline;
            Picture shown = take();
            if (last || (shown.width() == expected.width() && shown.height() == expected.height())) {
                Optional<Picture.Difference> difference = expected.difference(shown);
                if (last || difference.isEmpty()) return difference;
            }
        }
    }

    private Picture take() throws IOException, InterruptedException {
        Path file = folder.resolve("vnc.png");
        Path said = folder.resolve("vnc.txt");
        List<String> command = new ArrayList<>(viewer);
        command.addAll(List.of("--quiet", display, file.toString()));
        Process taken = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
        try {
            if (!taken.waitFor(TestGuest.WORK.toMillis(), TimeUnit.MILLISECONDS) || taken.exitValue() != 0)
                throw new IOException("gvnccapture took no picture of %s: %s".formatted(display,
                        Files.readString(said)));
            return Picture.read(file);
        } finally {
            taken.destroyForcibly();
            Files.deleteIfExists(file);
        }
    }
}
