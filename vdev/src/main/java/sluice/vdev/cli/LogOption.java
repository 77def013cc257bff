package sluice.vdev.cli;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import sluice.vdev.serve.Journal;

/** {@code --log=FILE|journal}: where a process writes what goes to standard error otherwise; a mixin for picocli. */
final class LogOption {
    static final String NAME = "--log";
    private static final String JOURNAL = "journal";

    @Option(names = NAME, paramLabel = "FILE|journal", description = "Append the log to this file, or send it to systemd's journal, if there is one, instead of standard error. The variable SLUICE_LOG sets its level: SEVERE, WARNING, INFO (default), FINE.")
    private @Nullable String target;

    /**
     * Redirects standard error, if that was asked for.
     *
     * @throws IOException the file cannot be written
     */
    void apply() throws IOException {
        String to = target;
        if (to != null) redirect(to);
    }

    /** @param to a file, or "journal" */
    static void redirect(String to) throws IOException {
        if (to.equals(JOURNAL)) {
            try {
                Journal.use(Path.of(System.getProperty("sluice.journal", Journal.SOCKET.toString())));
            } catch (IOException e) {
                System.err.printf("sluice: %s=%s: %s; the log goes to standard error%n", NAME, JOURNAL, e.getMessage());
            }
            return;
        }
        OutputStream out;
        try {
            out = new FileOutputStream(Path.of(to).toAbsolutePath().toFile(), true);
        } catch (IOException e) {
            throw new IOException("%s=%s cannot be written: %s".formatted(NAME, to, e.getMessage()), e);
        }
        System.setErr(new PrintStream(out, true, StandardCharsets.UTF_8));
    }
}
