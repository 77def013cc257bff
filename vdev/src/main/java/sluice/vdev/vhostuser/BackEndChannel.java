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
 * The channel on which we ask the front-end (SET_BACKEND_REQ_FD). Requests are acknowledged in order; nobody waits for
 * one. Used on the control loop.
 */
final class BackEndChannel {
    /** VHOST_USER_BACKEND_IOTLB_MSG: a question about a translation. */
    static final int IOTLB = 1;
    /** VHOST_USER_BACKEND_CONFIG_CHANGE_MSG: the configuration space has changed. */
    static final int CONFIG_CHANGE = 2;
    /** VHOST_USER_BACKEND_SHMEM_MAP: a part of a file is to be seen in a part of a shared memory region. */
    static final int SHMEM_MAP = 9;
    /** VHOST_USER_BACKEND_SHMEM_UNMAP: not any more. */
    static final int SHMEM_UNMAP = 10;
    /** Given to a request that was never answered. */
    static final long NO_ANSWER = -1;

    private final PeerLog log;
    private @Nullable FrameChannel channel;
    /** While answers are read ahead of an entry; the one that has to wait for it. */
    private boolean ahead;
    private @Nullable Asked held;
    private final ArrayDeque<Asked> asked = new ArrayDeque<>();

    private static final long SUCCESS = 0;
    /** Not where a page begins: of a question that is not about a page. */
    private static final long NO_PAGE = -1;

    /** A question that is not answered. */
    private static final class Asked {
        final int number;
        final Consumer<ByteBuf> body;
        /** What goes along; open until it is answered, for it may be asked again. */
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
     * Uses {@code fd}, which is ours from now on, in place of any before. What that was asked and has not answered is asked
     * again: who waits for it knows of no channel.
     *
     * @param disposal closes it in the end
     */
    void connect(Fd fd, EventLoop loop, Disposal disposal) {
        Channel old = channel;
        FrameChannel fresh = new FrameChannel(fd, new VhostUserFormat(), 1, disposal);
        fresh.pipeline().addLast(new AnswerReader());
        channel = fresh;
        if (old != null) old.close();
        loop.register(fresh);
        for (Asked open : List.copyOf(asked)) {
            // It may go while it is asked, and then all are answered.
            if (fresh.equals(channel)) send(fresh, frame(fresh, open), open);
        }
    }

    /**
     * Hands over an entry that has come on the other socket, behind the answers that the front-end gave before it: a refusal
     * among them must not have the entry for its own. The entry of a question comes before its "yes"; so the first "yes" whose
     * entry has not come is this one's, or a later one's, and comes after it.
     *
     * @param page whether a page is in the entry's range
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
     * Sends a request without a body; {@code answer} gets 0 for success, what the front-end said, or {@link #NO_ANSWER}.
     */
    void request(int number, LongConsumer answer) {
        request(number, body -> {}, answer, NO_PAGE);
    }

    /** Asks where an address leads; the answer is 0 when the front-end has told it, as an IOTLB update. */
    void miss(long address, Access access, LongConsumer answer) {
        request(IOTLB, body -> IotlbMessage.writeMiss(body, address, access), answer, address);
    }

    /** Shows a part of a shared memory region; the answer is 0 when it is seen. {@code file} is open until then. */
    void map(SharedPart part, Fd file, LongConsumer answer) {
        request(SHMEM_MAP, body -> part.write(body, true), file, answer, NO_PAGE);
    }

    /** Takes a part of a shared memory region away; the answer is 0 when it is not seen any more. */
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
        // Before it is sent: a channel that goes meanwhile answers what is asked.
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

    /** A descriptor that cannot be copied fails the question, as a channel that has gone does. */
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
