package sluice.vdev.qemu;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Runs a program of the host to its end, with a time limit. */
public final class HostCommand {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private HostCommand() {}

    /**
     * Runs a program and returns what it wrote on standard output.
     *
     * @throws IOException it does not exist, exited with a status other than 0 (the message contains its standard
     * error), or was killed after a minute
     */
    public static byte[] output(List<String> command) throws IOException, InterruptedException {
        return output(command, LIMIT);
    }

    /**
     * The same with another limit.
     *
     * @throws IOException as above, when it ran for longer than that
     */
    public static byte[] output(List<String> command, Duration limit) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        try {
            process.getOutputStream().close();
            CompletableFuture<byte[]> output = readAll(process.getInputStream());
            // Into memory instead of a file, which would be left if this process is killed meanwhile.
            CompletableFuture<byte[]> errors = readAll(process.getErrorStream());
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException(command.getFirst() + " did not exit within " + limit.toSeconds() + " s");
            }
            if (process.exitValue() != 0) {
                throw new IOException("`" + String.join(" ", command) + "` exited with status " + process.exitValue()
                        + ": " + new String(errors.get(), StandardCharsets.UTF_8).strip());
            }
            return output.get();
        } catch (ExecutionException failure) {
            throw new IOException("reading the output of " + command.getFirst(), failure.getCause());
        } finally {
            process.destroyForcibly();
        }
    }

    /** The same, as text without its last line end. */
    public static String text(List<String> command) throws IOException, InterruptedException {
        return new String(output(command), StandardCharsets.UTF_8).stripTrailing();
    }

    private static CompletableFuture<byte[]> readAll(InputStream stream) {
        CompletableFuture<byte[]> result = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            try {
                stream.transferTo(all);
                result.complete(all.toByteArray());
            } catch (IOException failure) {
                result.completeExceptionally(failure);
            }
        });
        return result;
    }
}
