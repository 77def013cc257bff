package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;

/** A way to write down what a run came to. */
interface ReportFormat {
    /**
     * Writes the whole report and flushes it. The writer stays open. A file must be UTF-8.
     *
     * @throws IOException the writer threw it
     */
    void write(CheckResult result, Writer out) throws IOException;
}
