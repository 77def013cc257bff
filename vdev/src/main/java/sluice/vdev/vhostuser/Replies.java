package sluice.vdev.vhostuser;

import java.util.ArrayDeque;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;

import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.ProtocolViolation;

/**
 * Answers in the order of the questions, although some are known only later: each question takes its place in line, and
 * the line moves when its head is filled. Used on the control loop.
 */
final class Replies {
    /** A front-end that asks on without waiting for answers is wrong, or wants our memory. */
    private static final int MAX_WAITING = 256;

    private final Channel channel;
    private final ArrayDeque<Place> line = new ArrayDeque<>();

    Replies(Channel channel) {
        this.channel = channel;
    }

    /** One answer that is due. */
    final class Place {
        private final int number;
        private @Nullable ByteBuf body;

        private Place(int number) {
            this.number = number;
        }

        /** Answers with a 64-bit number; as an acknowledgement 0 is success. */
        void answer(long value) {
            answer(channel.alloc().directBuffer(8).writeLongLE(value));
        }

        /** Answers with {@code value}, on any thread. */
        void answerLater(long value) {
            channel.eventLoop().execute(() -> answer(value));
        }

        /** Answers with {@code content}, which belongs to the place from now on. */
        void answer(ByteBuf content) {
            if (body != null) throw new IllegalStateException("message " + number + " was answered before");
            body = content;
            advance();
        }
    }

    /** Takes a place in line for message {@code number}. */
    Place expect(int number) throws ProtocolViolation {
        if (line.size() == MAX_WAITING) {
            throw new ProtocolViolation("more than %d messages are waiting for answers".formatted(MAX_WAITING));
        }
        if (!channel.isWritable()) {
            throw new ProtocolViolation("the front-end sends requests and does not read the answers");
        }
        Place place = new Place(number);
        line.add(place);
        return place;
    }

    private void advance() {
        boolean any = false;
        while (true) {
            Place head = line.peek();
            ByteBuf body = head == null ? null : head.body;
            if (head == null || body == null) break;
            line.remove();
            int size = body.readableBytes();
            ByteBuf frame = channel.alloc().directBuffer(VhostUserFormat.HEADER_BYTES + size);
            frame.writeIntLE(head.number).writeIntLE(VhostUserFormat.VERSION | VhostUserFormat.REPLY).writeIntLE(size);
            frame.writeBytes(body);
            body.release();
            channel.write(new OutgoingFrame(frame), channel.voidPromise());
            any = true;
        }
        if (any) channel.flush();
    }
}
