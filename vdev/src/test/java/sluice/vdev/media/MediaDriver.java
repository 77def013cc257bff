package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;

import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.VirtioSession;

import static org.assertj.core.api.Assertions.assertThat;

/** A driver of the device: its commands, each awaited, and its events in the order of arrival. One thread at a time. */
final class MediaDriver {
    static final int OUTPUT = V4l2.BUF_TYPE_OUTPUT_MPLANE;
    static final int CAPTURE = V4l2.BUF_TYPE_CAPTURE_MPLANE;
    private static final int LENT = 4;

    private final CommandQueue commands;
    private final CommandQueue events;
    private final Deque<CommandQueue.Ticket> lent = new ArrayDeque<>();

    /** An event: type, session, and what follows. */
    record Event(int kind, int session, ByteBuffer body) {
        boolean isBuffer() {
            return kind == 1;
        }

        /** Of struct v4l2_buffer. */
        int index() {
            return body.getInt(0);
        }

        int type() {
            return body.getInt(4);
        }

        int flags() {
            return body.getInt(12);
        }

        long seconds() {
            return body.getLong(24);
        }

        int used() {
            return body.getInt(88);
        }

        /** Of struct v4l2_event. */
        int event() {
            return body.getInt(0);
        }
    }

    MediaDriver(VirtioSession session) throws IOException {
        commands = new CommandQueue(session.queue(0), session.ram());
        events = new CommandQueue(session.queue(1), session.ram());
        for (int i = 0; i < LENT; i++) lend();
    }

    private void lend() throws IOException {
        lent.add(events.send(ByteBuffer.allocate(0), SessionEvents.DQBUF_BYTES));
    }

    static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The next event; its buffer is lent again. */
    Event event() throws IOException {
        ByteBuffer event = events.await(lent.remove());
        lend();
        return new Event(event.getInt(0), event.getInt(4), event.slice(8, event.limit() - 8).order(
                ByteOrder.LITTLE_ENDIAN));
    }

    int open() throws IOException {
        ByteBuffer answer = commands.await(commands.send(little(8).putInt(1).putInt(0).flip(), 16));
        return answer.getInt(0) == 0 ? answer.getInt(8) : -answer.getInt(0);
    }

    void close(int session) throws IOException {
        commands.await(commands.send(little(16).putInt(2).putInt(0).putInt(session).putInt(0).flip(), 0));
    }

    /** The answer: status, and what follows. */
    ByteBuffer ioctl(int session, int code, ByteBuffer payload, int room) throws IOException {
        ByteBuffer command = little(16 + payload.limit()).putInt(3).putInt(0).putInt(session).putInt(code);
        command.put(payload.duplicate().rewind()).flip();
        return commands.await(commands.send(command, 8 + room));
    }

    /** Changes {@code payload} to what the device has answered. */
    int call(int session, Ioctl ioctl, ByteBuffer payload) throws IOException {
        ByteBuffer answer = ioctl(session, ioctl.code(), payload, payload.limit());
        if (answer.limit() > 8) payload.put(0, answer, 8, Math.min(answer.limit() - 8, payload.limit()));
        return answer.getInt(0);
    }

    /** Reading of a mapping: offset in the region and length; {@code offset} is −errno if it was refused. */
    record Mapped(long offset, long length) {}

    Mapped map(int session, int offset) throws IOException {
        ByteBuffer answer = commands
                .await(commands.send(little(20).putInt(4).putInt(0).putInt(session).putInt(1).putInt(offset).flip(),
                        24));
        return answer.getInt(0) == 0
                ? new Mapped(answer.getLong(8), answer.getLong(16))
                : new Mapped(-answer.getInt(0), 0);
    }

    int unmap(long address) throws IOException {
        return commands.await(commands.send(little(16).putInt(5).putInt(0).putLong(address).flip(), 8)).getInt(0);
    }

    CommandQueue.Ticket send(ByteBuffer command, int room) throws IOException {
        return commands.send(command, room);
    }

    ByteBuffer await(CommandQueue.Ticket ticket) {
        return commands.await(ticket);
    }

    // ---- what clients do

    ByteBuffer format(int session, int type) throws IOException {
        ByteBuffer format = little(Struct.Format.BYTES).putInt(0, type);
        assertThat(call(session, Ioctl.G_FMT, format)).isZero();
        return format;
    }

    int setFormat(int session, int type, String fourcc, int width, int height) throws IOException {
        ByteBuffer format = little(Struct.Format.BYTES).putInt(0, type).putInt(8, width).putInt(12, height).putInt(16,
                V4l2.fourcc(fourcc));
        return call(session, Ioctl.S_FMT, format);
    }

    /** The number of buffers, or −errno. */
    int request(int session, int type, int count, int memory) throws IOException {
        ByteBuffer request = little(Struct.RequestBuffers.BYTES).putInt(0, count).putInt(4, type).putInt(8, memory);
        int errno = call(session, Ioctl.REQBUFS, request);
        return errno == 0 ? request.getInt(0) : -errno;
    }

    ByteBuffer query(int session, int type, int index) throws IOException {
        ByteBuffer buffer = buffer(type, index, V4l2.MEMORY_MMAP, 8);
        assertThat(call(session, Ioctl.QUERYBUF, buffer)).isZero();
        return buffer;
    }

    static ByteBuffer buffer(int type, int index, int memory, int planes) {
        return little(Struct.Buffer.BYTES + planes * Struct.Plane.BYTES).putInt(0, index).putInt(4, type)
                .putInt(60, memory).putInt(72, planes);
    }

    int queue(int session, int type, int index, int used, long seconds) throws IOException {
        ByteBuffer buffer = buffer(type, index, V4l2.MEMORY_MMAP, 1).putInt(88, used).putLong(24, seconds);
        return call(session, Ioctl.QBUF, buffer);
    }

    int stream(int session, int type, boolean on) throws IOException {
        return call(session, on ? Ioctl.STREAMON : Ioctl.STREAMOFF, little(4).putInt(0, type));
    }

    int command(int session, int which) throws IOException {
        return call(session, Ioctl.DECODER_CMD, little(Struct.CodecCommand.BYTES).putInt(0, which));
    }

    int subscribe(int session, int type, int id, int flags) throws IOException {
        return call(session, Ioctl.SUBSCRIBE_EVENT,
                little(Struct.Subscription.BYTES).putInt(0, type).putInt(4, id).putInt(8, flags));
    }
}
