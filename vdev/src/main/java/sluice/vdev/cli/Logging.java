package sluice.vdev.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.serve.LogLevel;
import sluice.vdev.serve.LogProvider;

/** What a process writes to standard error. */
final class Logging {
    private static final Logger LOG = LoggerFactory.getLogger(Logging.class);

    private Logging() {}

    /**
     * One line per message; {@code SLUICE_LOG=FINE}, which the launcher passes as a property, shows every protocol message.
     *
     * @throws IllegalArgumentException the level is none; the message is a sentence
     */
    static void configure() {
        String asked = System.getProperty("sluice.log", "INFO");
        try {
            LogProvider.show(LogLevel.parse(asked));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "SLUICE_LOG=%s: give SEVERE, WARNING, INFO (default), FINE, FINER, FINEST or OFF".formatted(asked),
                    e);
        }
    }

    /** The line for a command that failed; its stack trace is in the log at level FINE. */
    static String sentence(Exception failure) {
        LOG.debug("the failure in full", failure);
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
