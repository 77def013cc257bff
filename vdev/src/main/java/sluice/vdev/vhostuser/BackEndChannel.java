package sluice.vdev.vhostuser;

import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.iommu.Access;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.Frame;
import sluice.vdev.io.FrameChannel;
import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.PeerLog;
import sluice.vdev.io.ProtocolViolation;

/**
 * The channel for requests to the front-end (SET_BACKEND_REQ_FD). Requests are acknowledged in order, and answered by
 * callback; no thread waits. Used on the control loop.
 */
final class BackEndChannel {
    /** VHOST_USER_BACKEND_IOTLB_MSG: an IOTLB miss. */
    static final int IOTLB = 1;
    /** VHOST_USER_BACKEND_CONFIG_CHANGE_MSG: the configuration space has changed. */
    static final int CONFIG_CHANGE = 2;
    /** VHOST_USER_BACKEND_SHMEM_MAP: maps a part of a file into a shared memory region. */
    static final int SHMEM_MAP = 9;
    /** VHOST_USER_BACKEND_SHMEM_UNMAP: unmaps it. */
    static final int SHMEM_UNMAP = 10;
    /** The answer to a request that was never answered. */
    static final long NO_ANSWER = -1;

    private final PeerLog log;
    private @Nullable FrameChannel channel;
    /** Set while answers are read ahead of an entry: the request that waits for its entry. */
    private boolean ahead;
    private @Nullable Asked held;
    private final ArrayDeque<Asked> asked = new ArrayDeque<>();

    private static final long SUCCESS = 0;
    /** Page of a request other than an IOTLB miss; not page-aligned, so it matches no page. */
    private static final long NO_PAGE = -1;

    /** A pending request. */
    private static final class Asked {
        final int number;
        final Consumer<ByteBuf> body;
        /** Descriptor sent with it; open until the answer, because the request may be sent again. */
        final @Nullable Fd file;
        final LongConsumer answer;
        final long page;
        boolean hasEntry;

        Asked(int number, Consumer<ByteBuf> body, @Nullable Fd file, LongConsumer answer, long page) {
            this.number = number;
            this.body = body;
            this.file = file;
            this.answer = answer;
            this.page = page;
        }
    }

    BackEndChannel(PeerLog log) {
        this.log = log;
    }

    /**
     * Switches to the channel {@code fd}, which is owned by this object. Pending requests of the previous channel are
     * sent again, because their callers do not know about channels.
     *
     * @param disposal closes {@code fd}
     */
    void connect(Fd fd, EventLoop loop, Disposal disposal) {
        Channel old = channel;
        FrameChannel fresh = new FrameChannel(fd, new VhostUserFormat(), 1, disposal);
        fresh.pipeline().addLast(new AnswerReader());
        channel = fresh;
        if (old != null) old.close();
        loop.register(fresh);
        for (Asked open : List.copyOf(asked)) {
            // The channel may fail while requests are sent; then all of them are answered.
            if (fresh.equals(channel)) send(fresh, frame(fresh, open), open);
        }
    }

    /**
     * Delivers an IOTLB entry received on the other socket, after the answers that the front-end sent before it, so
     * that a refusal among them is not matched with this entry. The front-end sends the entry of a miss before its
     * positive answer; so the first positive answer without an entry belongs to this entry or to a later one, and is
     * read after it.
     *
     * @param page whether the entry contains a page
     */
    void takeInOrder(LongPredicate page, Runnable entry) {
        ahead = true;
        while (held == null && !asked.isEmpty()) {
            FrameChannel current = channel;
            if (current == null || !current.readNow()) break;
        }
        ahead = false;
        Asked yes = held;
        held = null;
        if (yes == null || !page.test(yes.page)) noteEntry(page);
        try {
            entry.run();
        } finally {
            if (yes != null) yes.answer.accept(SUCCESS);
        }
    }

    private void noteEntry(LongPredicate page) {
        for (Asked question : asked) {
            if (question.hasEntry || !page.test(question.page)) continue;
            question.hasEntry = true;
            return;
        }
    }

    boolean isConnected() {
        return channel != null;
    }

    /**
     * Sends a request without a body; {@code answer} receives 0 for success, the front-end's error, or {@link
     * #NO_ANSWER}.
     */
    void request(int number, LongConsumer answer) {
        request(number, body -> {}, answer, NO_PAGE);
    }

    /**
     * Sends an IOTLB miss for an address; the answer is 0 when the front-end has sent the translation as an IOTLB
     * update.
     */
    void miss(long address, Access access, LongConsumer answer) {
        request(IOTLB, body -> IotlbMessage.writeMiss(body, address, access), answer, address);
    }

    /**
     * Requests the mapping of a part of a shared memory region; the answer is 0 when it is mapped. {@code file} is open
     * until then.
     */
    void map(SharedPart part, Fd file, LongConsumer answer) {
        request(SHMEM_MAP, body -> part.write(body, true), file, answer, NO_PAGE);
    }

    /** Requests the unmap of a part of a shared memory region; the answer is 0 when it is unmapped. */
    void unmap(SharedPart part, LongConsumer answer) {
        request(SHMEM_UNMAP, body -> part.write(body, false), answer, NO_PAGE);
    }

    private void request(int number, Consumer<ByteBuf> body, LongConsumer answer, long page) {
        request(number, body, null, answer, page);
    }

    private void request(int number, Consumer<ByteBuf> body, @Nullable Fd file, LongConsumer answer, long page) {
        Channel current = channel;
        if (current == null) {
            answer.accept(NO_ANSWER);
            return;
        }
        Asked question = new Asked(number, body, file, answer, page);
        ByteBuf frame;
        try {
            frame = frame(current, question);
        } catch (OutOfMemoryError e) {
            log.error("no memory left for a request to the front-end: {}", e.getMessage());
            answer.accept(NO_ANSWER);
            return;
        }
        // Queued before it is sent: a channel that fails meanwhile answers all queued requests.
        asked.add(question);
        send(current, frame, question);
    }

    private static ByteBuf frame(Channel to, Asked question) {
        ByteBuf frame = to.alloc().directBuffer(64);
        frame.writeIntLE(question.number).writeIntLE(VhostUserFormat.VERSION | VhostUserFormat.NEED_REPLY)
                .writeIntLE(0);
        question.body.accept(frame);
        return frame.setIntLE(8, frame.readableBytes() - VhostUserFormat.HEADER_BYTES);
    }

    /** If the descriptor cannot be duplicated, the request fails, as on a closed channel. */
    private void send(Channel to, ByteBuf frame, Asked question) {
        Fd file = question.file;
        try {
            OutgoingFrame message = file == null
                    ? new OutgoingFrame(frame)
                    : new OutgoingFrame(frame, file.duplicate());
            to.writeAndFlush(message, to.voidPromise());
        } catch (ErrnoException e) {
            log.error("sending a request to the front-end failed: {}", e.getMessage());
            frame.release();
            asked.remove(question);
            question.answer.accept(NO_ANSWER);
        }
    }

    void close() {
        Channel current = channel;
        channel = null;
        if (current != null) current.close();
        while (!asked.isEmpty())
            asked.remove().answer.accept(NO_ANSWER);
    }

    private final class AnswerReader extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object received) throws ProtocolViolation {
            try (Frame frame = (Frame) received) {
                ByteBuf bytes = frame.bytes();
                int number = bytes.readIntLE();
                int flags = bytes.readIntLE();
                int size = bytes.readIntLE();
                Asked oldest = asked.peek();
                if ((flags & VhostUserFormat.REPLY) == 0 || size != 8 || oldest == null || oldest.number != number) {
                    throw new ProtocolViolation(
                            "message %d with flags 0x%x and %d bytes on the back-end channel does not answer a request"
                                    .formatted(number, flags, size));
                }
                asked.remove();
                long value = bytes.readLongLE();
                if (ahead && value == SUCCESS && oldest.page != NO_PAGE && !oldest.hasEntry) {
                    held = oldest;
                } else {
                    oldest.answer.accept(value);
                }
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            if (!FrameChannel.isPeerGone(cause)) {
                log.error("the channel to the front-end is closed: {}", cause.getMessage());
            }
            context.close();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (context.channel().equals(channel)) close();
        }
    }
}
