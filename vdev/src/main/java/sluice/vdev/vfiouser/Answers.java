package sluice.vdev.vfiouser;

import java.util.ArrayDeque;
import java.util.function.Consumer;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.ProtocolViolation;

/**
 * Answers in the order of the commands, although some are known only later: the protocol would allow any order, but clients
 * need not be ready for it. Used on the control loop.
 */
final class Answers {
    /** QEMU sends maps of one transaction without waiting, at most 1024. */
    private static final int MAX_WAITING = 4096;
    private static final Fd[] NO_FDS = {};

    private final Channel channel;
    private final ArrayDeque<Place> line = new ArrayDeque<>();
    private boolean closed;

    Answers(Channel channel) {
        this.channel = channel;
    }

    /** One answer that is due. */
    final class Place {
        private final int id;
        private final int command;
        private @Nullable OutgoingFrame answer;

        private Place(int id, int command) {
            this.id = id;
            this.command = command;
        }

        /** Answers with what {@code content} writes, and descriptors that belong to the answer from now on. */
        void answer(Consumer<ByteBuf> content, Fd... fds) {
            ByteBuf frame = header(0, 0);
            content.accept(frame);
            frame.setIntLE(Integer.BYTES, frame.readableBytes());
            fill(new OutgoingFrame(frame, fds));
        }

        /** Answers that it was done. */
        void done() {
            answer(body -> {}, NO_FDS);
        }

        /** Answers with an errno number. */
        void fail(int errno) {
            fill(new OutgoingFrame(header(VfioUserFormat.ERROR, errno), NO_FDS));
        }

        /** {@link #done} for 0, otherwise {@link #fail}; on any thread. */
        void answerLater(int errno) {
            channel.eventLoop().execute(() -> {
                if (errno == 0) {
                    done();
                } else {
                    fail(errno);
                }
            });
        }

        /** {@link #answer}, on any thread. */
        void answerLater(Consumer<ByteBuf> content) {
            channel.eventLoop().execute(() -> answer(content, NO_FDS));
        }

        private ByteBuf header(int flags, int errno) {
            ByteBuf frame = channel.alloc().directBuffer(64);
            return frame.writeShortLE(id).writeShortLE(command).writeIntLE(VfioUserFormat.HEADER_BYTES)
                    .writeIntLE(VfioUserFormat.REPLY | flags).writeIntLE(errno);
        }

        private void fill(OutgoingFrame frame) {
            if (answer != null) throw new IllegalStateException("command " + command + " was answered before");
            if (closed) {
                frame.release();
                return;
            }
            answer = frame;
            advance();
        }
    }

    /** Takes a place in line for a command. */
    Place expect(int id, int command) throws ProtocolViolation {
        if (line.size() == MAX_WAITING)
            throw new ProtocolViolation("more than %d commands wait for their answers".formatted(MAX_WAITING));
        if (!channel.isWritable())
            throw new ProtocolViolation("the front-end asks on and does not read the answers");
        Place place = new Place(id, command);
        line.add(place);
        return place;
    }

    private void advance() {
        boolean any = false;
        while (true) {
            Place head = line.peek();
            OutgoingFrame frame = head == null ? null : head.answer;
            if (frame == null) break;
            line.remove();
            channel.write(frame, channel.voidPromise());
            any = true;
        }
        if (any) channel.flush();
    }

    /** Gives back answers that will never be sent, those that are still to come as well. */
    void close() {
        closed = true;
        for (Place place : line) {
            OutgoingFrame frame = place.answer;
            if (frame != null) frame.release();
        }
        line.clear();
    }
}
