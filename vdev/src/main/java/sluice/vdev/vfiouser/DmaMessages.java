package sluice.vdev.vfiouser;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.vdev.host.FrontMemory;
import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.PeerLog;

/**
 * Accesses guest memory without a file by DMA_READ and DMA_WRITE messages. A request fails on timeout or when the
 * front-end disconnects.
 *
 * <p>An unmap must not wait for a pending answer: the QEMU thread that unmaps is the one that answers.
 */
final class DmaMessages implements FrontMemory {
    /** Timeout, equal to QEMU's default for our replies. */
    private static final int LIMIT_SECONDS = 5;
    /**
     * Limit of one read message in bytes. QEMU 11.1 writes its answer to the socket once, and treats a partial write as
     * complete, which breaks the framing. An answer that fits into one socket buffer of the kernel, at least 32 KiB, is
     * written as a whole or retried.
     */
    static final int READ_PIECE = 16 << 10;
    /** Limit of pending requests; further ones are refused. */
    private static final int MAX_PENDING = 256;
    private static final Fd[] NO_FDS = {};
    private static final int NUMBERS = 1 << 16;

    /**
     * A pending request.
     *
     * @param answer receives the data, or null on failure
     */
    private record Pending(int command, int length, Consumer<byte @Nullable []> answer, Future<?> limit) {}

    private final Channel channel;
    private final PeerLog log;
    private final Map<Integer, Pending> pending = new HashMap<>();
    private int nextId;
    private int dataLimit = VfioUserFormat.MAX_DATA_BYTES;
    private boolean closed;

    DmaMessages(Channel channel, PeerLog log) {
        this.channel = channel;
        this.log = log;
    }

    /** Limits the data of a message to the client's capability. */
    void limitData(int bytes) {
        dataLimit = bytes;
    }

    @Override
    public void read(long address, int length, Consumer<byte @Nullable []> done) {
        channel.eventLoop().execute(() -> {
            if (length <= READ_PIECE) {
                ask(MessageDecoder.DMA_READ, address, length, null, done);
                return;
            }
            byte[] all;
            try {
                all = new byte[length];
            } catch (OutOfMemoryError e) {
                log.error("no memory left for an answer of {} bytes", length);
                done.accept(null);
                return;
            }
            readPiece(address, all, 0, done);
        });
    }

    /** Sends one piece at a time, so that a long read does not delay others. */
    private void readPiece(long address, byte[] all, int at, Consumer<byte @Nullable []> done) {
        int length = Math.min(READ_PIECE, all.length - at);
        ask(MessageDecoder.DMA_READ, address + at, length, null, answer -> {
            if (answer == null) {
                done.accept(null);
                return;
            }
            System.arraycopy(answer, 0, all, at, length);
            if (at + length == all.length) {
                done.accept(all);
            } else {
                readPiece(address, all, at + length, done);
            }
        });
    }

    @Override
    public void write(long address, byte[] bytes, Consumer<Boolean> done) {
        channel.eventLoop().execute(() -> ask(MessageDecoder.DMA_WRITE, address, bytes.length, bytes,
                answer -> done.accept(answer != null)));
    }

    private void ask(int command, long address, int length, byte @Nullable [] data,
            Consumer<byte @Nullable []> answer) {
        if (closed || pending.size() == MAX_PENDING || length > dataLimit || !channel.isWritable()) {
            log.warn("{} bytes at 0x{} cannot be requested from the front-end: {} requests are pending", length,
                    Long.toHexString(address), pending.size());
            answer.accept(null);
            return;
        }
        int size = VfioUserFormat.HEADER_BYTES + 16 + (data == null ? 0 : length);
        ByteBuf frame;
        try {
            frame = channel.alloc().directBuffer(size);
        } catch (OutOfMemoryError e) {
            log.error("no memory left to request {} bytes from the front-end: {}", length, e.getMessage());
            answer.accept(null);
            return;
        }
        while (pending.containsKey(nextId))
            nextId = (nextId + 1) % NUMBERS;
        int id = nextId;
        nextId = (nextId + 1) % NUMBERS;
        Future<?> limit = channel.eventLoop().schedule(() -> {
            log.error("the front-end has not answered a request for memory at 0x{} within {} s",
                    Long.toHexString(address), LIMIT_SECONDS);
            finish(id, null);
        }, LIMIT_SECONDS, TimeUnit.SECONDS);
        pending.put(id, new Pending(command, length, answer, limit));
        frame.writeShortLE(id).writeShortLE(command).writeIntLE(size).writeIntLE(VfioUserFormat.COMMAND).writeIntLE(0);
        frame.writeLongLE(address).writeLongLE(length);
        if (data != null) frame.writeBytes(data);
        channel.writeAndFlush(new OutgoingFrame(frame, NO_FDS), channel.voidPromise());
    }

    /** An answer has arrived. */
    void answered(int id, int command, ClientMessage.DmaAnswer answer) {
        Pending question = pending.get(id);
        if (question == null) {
            log.warn("the front-end answers request {}, which was not sent or has timed out", id);
            return;
        }
        if (answer.error() != 0) {
            log.error("the front-end refuses an access to memory: errno {}", answer.error());
            finish(id, null);
            return;
        }
        if (command != question.command()) {
            log.error("the front-end answers request {} with command {} instead of {}", id, command,
                    question.command());
            finish(id, null);
            return;
        }
        if (command == MessageDecoder.DMA_WRITE) {
            finish(id, new byte[0]);
            return;
        }
        // After address and count.
        if (answer.bytes().length != 16 + question.length()) {
            log.error("the front-end answers {} bytes instead of {}", answer.bytes().length - 16, question.length());
            finish(id, null);
            return;
        }
        byte[] data = new byte[question.length()];
        System.arraycopy(answer.bytes(), 16, data, 0, data.length);
        finish(id, data);
    }

    private void finish(int id, byte @Nullable [] answer) {
        Pending question = pending.remove(id);
        if (question == null) return;
        question.limit().cancel(false);
        question.answer().accept(answer);
    }

    /** The front-end has disconnected: all pending requests fail. */
    void close() {
        closed = true;
        for (Integer id : new ArrayList<>(pending.keySet())) finish(id, null);
    }
}
