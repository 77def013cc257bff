package sluice.dmacore.trace.recording;

import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;

/** A file is not a recording, or cannot be read; the message is one sentence. */
public final class RecordingException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    public RecordingException(Path file, String reason) {
        super(file + " " + reason);
    }
}
