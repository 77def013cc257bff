package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** A program of the host that is run to its end, with a time limit. */
final class HostCommand {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private HostCommand() {}

    /**
     * Runs a program and returns what it wrote on standard output.
     *
     * @throws IOException it is not there, it ended with another status than 0 (the message carries its standard error), or it
     * ran for more than a minute and was killed
     */
    static byte[] output(List<String> command) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("sluice-", ".err");
        try {
            Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
            try {
                process.getOutputStream().close();
                CompletableFuture<byte[]> output = readAll(process.getInputStream());
                if (!process.waitFor(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new IOException(command.getFirst() + " did not end within " + LIMIT.toSeconds() + " s");
                }
                if (process.exitValue() != 0) {
                    throw new IOException("`" + String.join(" ", command) + "` ended with status "
                            + process.exitValue() + ": " + Files.readString(errors).strip());
                }
                return output.get();
            } catch (ExecutionException failure) {
                throw new IOException("reading the output of " + command.getFirst(), failure.getCause());
            } finally {
                process.destroyForcibly();
            }
        } finally {
            Files.deleteIfExists(errors);
        }
    }

    /** The same, as text without its last line end. */
    static String text(List<String> command) throws IOException, InterruptedException {
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
