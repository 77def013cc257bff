package sluice.guest;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a guest's kernel tells of its GPU driver, as {@code guest/trace-driver} records it: the guest prints it on its second serial line
 * when it is asked, at the end, so that nothing is printed while the driver is at work.
 */
public final class DriverTrace implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(DriverTrace.class);
    /** The program, in the image's {@code bin}. */
    private static final String PROGRAM = "trace-driver";
    /** What a guest may print; the rest is cut off. A ring buffer of 2 MiB makes a few MiB. */
    private static final long MOST_BYTES = 64L << 20;
    private static final byte[] ASK = "\n".getBytes(StandardCharsets.US_ASCII);
    private static final String END = "# SLUICE end\n";
    private static final String CUT = "\n# SLUICE cut\n";
    private static final int CHUNK = 64 * 1024;

    private final SerialLine line;

    private DriverTrace(SerialLine line) {
        this.line = line;
    }

    /** Begins to listen. */
    public static DriverTrace open() throws IOException {
        return new DriverTrace(SerialLine.open("driver"));
    }

    /** Adds the program to an image, whose init script starts it. */
    public static GuestImage.Builder addTo(GuestImage.Builder image) {
        return image.file("bin/" + PROGRAM, PROGRAM);
    }

    /** QEMU's arguments for it, as the second serial line. */
    public List<String> qemuArguments() {
        return line.qemuArguments();
    }

    /**
     * Asks the guest, and writes what it prints. If that has no end within the limits, the file says that it is cut.
     *
     * @return whether it is whole
     */
    public boolean write(Path file, Duration limit) throws IOException {
        try (SocketChannel channel = line.accept();
                OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            channel.write(ByteBuffer.wrap(ASK));
            CompletableFuture<Void> late = CompletableFuture.runAsync(() -> close(channel),
                    CompletableFuture.delayedExecutor(limit.toNanos(), TimeUnit.NANOSECONDS));
            boolean isWhole = copy(Channels.newInputStream(channel), out, MOST_BYTES);
            late.cancel(false);
            if (!isWhole) out.write(CUT.getBytes(StandardCharsets.US_ASCII));
            return isWhole;
        }
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Copies until the guest says that this is the end, or no more is allowed or comes.
     *
     * @return whether the guest has said so
     */
    static boolean copy(InputStream in, OutputStream out, long most) throws IOException {
        byte[] chunk = new byte[CHUNK];
        StringBuilder last = new StringBuilder();
        long copied = 0;
        try {
            for (int count = in.read(chunk); count >= 0 && copied < most; count = in.read(chunk)) {
                out.write(chunk, 0, count);
                copied += count;
                last.append(new String(chunk, 0, count, StandardCharsets.ISO_8859_1));
                last.delete(0, Math.max(0, last.length() - END.length()));
                if (END.contentEquals(last)) return true;
            }
        } catch (ClosedChannelException late) {
            LOG.debug("the guest has not told all in time: {} bytes", copied, late);
        }
        return false;
    }

    @Override
    public void close() throws IOException {
        line.close();
    }
}
