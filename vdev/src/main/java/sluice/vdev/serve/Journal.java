package sluice.vdev.serve;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.linux.SocketMessage;
import sluice.dmacore.linux.UnixDatagram;

/**
 * systemd's journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram for each entry, or, if it is too
 * long for one, a sealed memfd. {@link ErrorOutput}'s thread writes; it waits for a journal that does not read.
 */
public final class Journal {
    /** Where systemd-journald receives. */
    public static final Path SOCKET = Path.of("/run/systemd/journal/socket");
    /** Longer ones travel in a file. */
    static final int MOST_DATAGRAM_BYTES = 64 << 10;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final int ALL_SEALS = Seals.SEAL | Seals.SHRINK | Seals.GROW | Seals.WRITE;

    private final Path path;
    private final MemorySegment buffer = Arena.ofAuto().allocate(MOST_DATAGRAM_BYTES);
    private final SocketMessage message = new SocketMessage(1);
    private Fd socket;

    private Journal(Path path, Fd socket) {
        this.path = path;
        this.socket = socket;
    }

    /**
     * Makes it the target of {@link ErrorOutput} and of standard error.
     *
     * @param path of the journal's socket
     * @throws IOException there is none; the message names the path
     */
    public static void use(Path path) throws IOException {
        Journal journal = connect(path);
        ErrorOutput out = ErrorOutput.ofProcess();
        out.setTarget(journal::write);
        System.setErr(new PrintStream(new Sentences(out), true, StandardCharsets.UTF_8));
    }

    /** Connected. */
    static Journal connect(Path path) throws IOException {
        try {
            return new Journal(path, UnixDatagram.connect(path));
        } catch (ErrnoException e) {
            throw new IOException("there is no journal at %s: %s".formatted(path, e.getMessage()), e);
        }
    }

    /** What is printed, not logged: sentences about failures. */
    private static final class Sentences extends OutputStream {
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private final ErrorOutput out;

        Sentences(ErrorOutput out) {
            this.out = out;
        }

        @Override
        public synchronized void write(int one) {
            line.write(one);
        }

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            line.write(bytes, offset, length);
        }

        @Override
        public synchronized void flush() {
            String text = line.toString(StandardCharsets.UTF_8);
            if (!text.endsWith("\n")) return;
            line.reset();
            if (!text.isBlank()) out.write(new LogLine(LogLevel.SEVERE, "", text.stripTrailing()));
        }
    }

    /**
     * Sends an entry: priority, identifier, message, and, as SLUICE_LOGGER, who says it.
     *
     * @throws IOException nobody receives; the next entry connects anew
     */
    void write(LogLine line) throws IOException {
        byte[] entry = entry(line);
        try {
            send(entry);
        } catch (ErrnoException e) {
            switch (e.errno()) {
                // The journal has been started anew.
                case Errno.ECONNREFUSED, Errno.ENOTCONN, Errno.EPIPE, Errno.ECONNRESET -> {
                    Fd fresh = UnixDatagram.connect(path);
                    socket.close();
                    socket = fresh;
                    send(entry);
                }
                default -> throw e;
            }
        }
    }

    private static byte[] entry(LogLine line) {
        ByteArrayOutputStream entry = new ByteArrayOutputStream();
        put(entry, "PRIORITY", Integer.toString(line.priority()));
        put(entry, "SYSLOG_IDENTIFIER", "sluice");
        if (!line.source().isEmpty()) put(entry, "SLUICE_LOGGER", line.source());
        put(entry, "MESSAGE", line.message());
        return entry.toByteArray();
    }

    private static void put(ByteArrayOutputStream entry, String field, String text) {
        byte[] value = text.getBytes(StandardCharsets.UTF_8);
        entry.writeBytes(field.getBytes(StandardCharsets.US_ASCII));
        if (text.indexOf('\n') < 0) {
            entry.write('=');
        } else {
            entry.write('\n');
            entry.writeBytes(
                    ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value.length).array());
        }
        entry.writeBytes(value);
        entry.write('\n');
    }

    private void send(byte[] entry) throws IOException {
        if (entry.length > MOST_DATAGRAM_BYTES) {
            sendFile(entry);
            return;
        }
        MemorySegment.copy(entry, 0, buffer, ValueLayout.JAVA_BYTE, 0, entry.length);
        message.clear();
        message.add(buffer, 0, entry.length);
        try {
            while (message.send(socket) == SocketMessage.WOULD_BLOCK)
                LockSupport.parkNanos(PAUSE_NANOS);
        } catch (ErrnoException e) {
            // A socket may have less room than usual.
            if (e.errno() != Errno.EMSGSIZE && e.errno() != Errno.ENOBUFS) throw e;
            sendFile(entry);
        }
    }

    private void sendFile(byte[] entry) throws IOException {
        try (Arena arena = Arena.ofConfined(); Fd file = Memfd.create("sluice-log", Memfd.ALLOW_SEALING)) {
            Memfd.write(file, arena.allocateFrom(ValueLayout.JAVA_BYTE, entry));
            Seals.add(file, ALL_SEALS);
            message.clear();
            message.attach(file);
            while (!message.sendDescriptors(socket))
                LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
