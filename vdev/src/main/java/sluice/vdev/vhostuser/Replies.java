package sluice.vdev.vhostuser;

import java.util.ArrayDeque;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;

import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.ProtocolViolation;

/**
 * Sends replies in the order of the requests, although some complete later: each request takes a place in a queue,
 * which advances when its head is complete. Used on the control loop.
 */
final class Replies {
    /** Limit of pending replies, against a front-end that sends requests without reading replies. */
    private static final int MAX_WAITING = 256;

    private final Channel channel;
    private final ArrayDeque<Place> line = new ArrayDeque<>();

    Replies(Channel channel) {
        this.channel = channel;
    }

    /** One pending reply. */
    final class Place {
        private final int number;
        private @Nullable ByteBuf body;

        private Place(int number) {
            this.number = number;
        }

        /** Replies with a 64-bit number; in an acknowledgement 0 means success. */
        void answer(long value) {
            answer(channel.alloc().directBuffer(8).writeLongLE(value));
        }

        /** Answers with {@code value}, on any thread. */
        void answerLater(long value) {
            channel.eventLoop().execute(() -> answer(value));
        }

        /** Replies with {@code content}; takes ownership of it. */
        void answer(ByteBuf content) {
            if (body != null) throw new IllegalStateException("message " + number + " was answered before");
            body = content;
            advance();
        }
    }

    /** Takes a place in the queue for message {@code number}. */
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
