package sluice.vdev.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.Logger;

import org.jspecify.annotations.Nullable;

import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.LogHandler;

/** What a process writes to standard error. */
final class Logging {
    /** Kept, because loggers without a strong reference lose their settings. */
    private static final Logger OURS = Logger.getLogger("sluice");
    private static final Logger CHRONICLES = Logger.getLogger("net.openhft");

    private Logging() {}

    /**
     * One line per message; {@code SLUICE_LOG=FINE}, which the launcher passes as a property, shows every protocol message.
     *
     * @throws IllegalArgumentException the level is none; the message is a sentence
     */
    static void configure() {
        Level level = level(System.getProperty("sluice.log", "INFO"));
        OURS.setLevel(level);
        // It logs its origin and the time for each file.
        CHRONICLES.setLevel(Level.WARNING);
        OURS.setUseParentHandlers(false);
        for (Handler old : OURS.getHandlers()) OURS.removeHandler(old);
        Handler handler = new LogHandler(ErrorOutput.ofProcess());
        handler.setLevel(level);
        OURS.addHandler(handler);
    }

    private static Level level(String asked) {
        try {
            return Level.parse(asked.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "SLUICE_LOG=%s: give SEVERE, WARNING, INFO (default), FINE, FINER, FINEST or OFF".formatted(asked),
                    e);
        }
    }

    /** The line for a command that failed; its stack trace is in the log at level FINE. */
    static String sentence(Exception failure) {
        OURS.log(Level.FINE, "the failure in full", failure);
        String sentence = failure.getMessage();
        if (failure instanceof FileSystemException file) sentence = said(file);
        return "sluice: " + (sentence == null ? failure.toString() : sentence);
    }

    /** The message of some of these exceptions is a bare path. */
    private static @Nullable String said(FileSystemException failure) {
        return switch (failure) {
            case NoSuchFileException none -> "no such file or folder: " + none.getFile();
            case AccessDeniedException denied -> "permission denied: " + denied.getFile();
            case FileAlreadyExistsException there -> "it exists already: " + there.getFile();
            case NotDirectoryException file -> "not a folder: " + file.getFile();
            default -> failure.getMessage();
        };
    }
}
