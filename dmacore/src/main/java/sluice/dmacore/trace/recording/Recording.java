package sluice.dmacore.trace.recording;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads a recording, possibly while it is still being written.
 *
 * <p>The file is read in pieces and never mapped or loaded whole. For one thread.
 */
public final class Recording implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;

    private Recording(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Opens a file and checks that it is a recording.
     *
     * @throws RecordingException it is not a recording, or its header is damaged
     * @throws IOException it cannot be read
     */
    public static Recording open(Path file) throws IOException {
        Recording opened = new Recording(file, FileChannel.open(file, StandardOpenOption.READ));
        boolean done = false;
        try {
            opened.header();
            done = true;
            return opened;
        } finally {
            if (!done) opened.close();
        }
    }

    /** The header as it is now. */
    public RecordingHeader header() throws IOException {
        ByteBuffer header = ByteBuffer.allocate(Layout.HEADER_USED).order(ByteOrder.LITTLE_ENDIAN);
        readAt(0, header);
        if (header.hasRemaining()) {
            throw new RecordingException(file, "is not a recording: it has " + header.position()
                    + " bytes, and a header has " + Layout.HEADER_USED);
        }
        return RecordingHeader.of(file, header);
    }

    /** The names recorded so far. */
    public Names names() throws IOException {
        RecordingHeader header = header();
        int length = Math.clamp(header.namesEnd(), 0, header.namesBytes());
        ByteBuffer area = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        readAt(Layout.HEADER_BYTES, area);
        boolean cutOff = area.hasRemaining() || header.namesEnd() != length;
        Names told = Names.of(area.flip(), cutOff);
        return header.namesDropped() == 0 ? told : told.with(namesAmongEvents(header));
    }

    /** The events from the oldest present to the newest at this time, in order. */
    public EventCursor events() throws IOException {
        return new EventCursor(this, header(), null);
    }

    private Map<Integer, String> namesAmongEvents(RecordingHeader header) throws IOException {
        Map<Integer, String> names = new HashMap<>();
        EventCursor events = new EventCursor(this, header, names);
        while (events.next() != null) {
            // only their names are wanted
        }
        return names;
    }

    /** Reads until the buffer is full or the file ends. */
    void readAt(long offset, ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            int read = channel.read(into, offset);
            if (read < 0) return;
            offset += read;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
