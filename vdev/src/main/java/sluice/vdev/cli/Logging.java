package sluice.vdev.cli;

import java.io.IOException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.file.FileFailure;
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
        if (failure instanceof IOException file) return "sluice: " + FileFailure.reason(file);
        return "sluice: " + (failure.getMessage() == null ? failure.toString() : failure.getMessage());
    }
}
