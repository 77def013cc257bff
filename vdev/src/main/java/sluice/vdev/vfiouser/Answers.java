package sluice.vdev.vfiouser;

import java.util.ArrayDeque;
import java.util.function.Consumer;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.vdev.io.Backlog;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.OutgoingFrame;
import sluice.vdev.io.ProtocolViolation;

/**
 * Sends replies in the order of the commands, although some complete later: the protocol permits any order, but not all
 * clients support it. Used on the control loop.
 */
final class Answers {
    private static final Fd[] NO_FDS = {};

    private final Channel channel;
    private final Backlog backlog;
    private final ArrayDeque<Place> line = new ArrayDeque<>();
    private boolean closed;

    Answers(Channel channel, Disposal disposal) {
        this.channel = channel;
        this.backlog = new Backlog(channel, disposal, CommandLoad.LIMITS);
    }

    /** One command in progress. A command with the no-reply flag gets no reply, whatever is called here. */
    final class Place {
        private final int id;
        private final int command;
        private final boolean wanted;
        private final int bytes;
        private final int fds;
        private @Nullable OutgoingFrame answer;

        private Place(Incoming incoming) {
            id = incoming.id();
            command = incoming.command();
            wanted = !incoming.noReply();
            bytes = CommandLoad.bytes(incoming.message());
            fds = CommandLoad.fds(incoming.message());
        }

        /**
         * For commands that require a reply.
         *
         * @throws RefusedException EINVAL, if the no-reply flag is set
         */
        Place question() throws RefusedException {
            if (!wanted) throw new RefusedException(Errno.EINVAL, "a request with the no-reply flag");
            return this;
        }

        private void end() {
            backlog.end(bytes, fds);
        }

        /** Replies with what {@code content} writes, and descriptors, which the reply owns. */
        void answer(Consumer<ByteBuf> content, Fd... files) {
            if (!wanted) {
                for (Fd file : files) file.close();
                end();
                return;
            }
            ByteBuf frame = header(0, 0);
            content.accept(frame);
            frame.setIntLE(Integer.BYTES, frame.readableBytes());
            fill(new OutgoingFrame(frame, files));
        }

        /** Replies with success. */
        void done() {
            answer(body -> {}, NO_FDS);
        }

        /** Replies with an errno. */
        void fail(int errno) {
            if (wanted) {
                fill(new OutgoingFrame(header(VfioUserFormat.ERROR, errno), NO_FDS));
            } else {
                end();
            }
        }

        /** {@link #done} for 0, otherwise {@link #fail}; on any thread. */
        void answerLater(int errno) {
            later(() -> {
                if (errno == 0) {
                    done();
                } else {
                    fail(errno);
                }
            });
        }

        /** {@link #answer}, on any thread. */
        void answerLater(Consumer<ByteBuf> content) {
            later(() -> answer(content, NO_FDS));
        }

        /** Without a reply no turn of the control loop is needed: thousands of maps are posted at a time. */
        private void later(Runnable answering) {
            if (wanted) {
                channel.eventLoop().execute(answering);
            } else {
                end();
            }
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

    /** A command has arrived: takes a place in the queue, if it requests a reply. */
    Place expect(Incoming incoming) throws ProtocolViolation {
        if (!incoming.noReply() && !channel.isWritable())
            throw new ProtocolViolation("the front-end sends requests and does not read the answers");
        Place place = new Place(incoming);
        if (place.wanted) line.add(place);
        backlog.begin(place.bytes, place.fds);
        return place;
    }

    private void advance() {
        boolean any = false;
        while (true) {
            Place head = line.peek();
            OutgoingFrame frame = head == null ? null : head.answer;
            if (frame == null) break;
            line.remove();
            head.end();
            channel.write(frame, channel.voidPromise());
            any = true;
        }
        if (any) channel.flush();
    }

    /** Releases replies that will never be sent, including later ones. */
    void close() {
        closed = true;
        for (Place place : line) {
            OutgoingFrame frame = place.answer;
            if (frame != null) frame.release();
        }
        line.clear();
    }
}
