package sluice.vdev.vfg7350;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The packets of a file, in a loop. */
public final class PacketFile implements PacketSource, Closeable {
    private static final byte SYNC = 0x47;

    private final FileChannel channel;
    private final long packets;
    private long next;

    private PacketFile(FileChannel channel, long packets) {
        this.channel = channel;
        this.packets = packets;
    }

    /**
     * Opens a transport stream file.
     *
     * @throws IOException if it cannot be read, has no complete packet, or its first packet does not begin with 0x47
     */
    public static PacketFile open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        boolean done = false;
        try {
            long packets = channel.size() / PACKET_BYTES;
            ByteBuffer first = ByteBuffer.allocate(1);
            if (packets == 0 || channel.read(first, 0) != 1 || first.get(0) != SYNC) {
                throw new IOException(
                        "%s is not a transport stream of packets of %d bytes".formatted(path, PACKET_BYTES));
            }
            done = true;
            return new PacketFile(channel, packets);
        } finally {
            if (!done) channel.close();
        }
    }

    @Override
    public boolean fill(long buffer, int count, byte[] target) {
        int done = 0;
        try {
            while (done < count) {
                int some = (int) Math.min(count - done, packets - next);
                read(ByteBuffer.wrap(target, done * PACKET_BYTES, some * PACKET_BYTES), next * PACKET_BYTES);
                next = (next + some) % packets;
                done += some;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return true;
    }

    private void read(ByteBuffer target, long from) throws IOException {
        long at = from;
        while (target.hasRemaining()) {
            int count = channel.read(target, at);
            if (count < 0) throw new EOFException("the file has become shorter");
            at += count;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
