package sluice.guest.check;

import java.io.IOException;
import java.io.Writer;

/** A report format. */
interface ReportFormat {
    /**
     * Writes the whole report and flushes it. The writer stays open. A file must be UTF-8.
     *
     * @throws IOException from the writer
     */
    void write(CheckResult result, Writer out) throws IOException;
}
