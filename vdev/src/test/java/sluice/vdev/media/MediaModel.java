package sluice.vdev.media;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.fixture.FuzzInput;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What V4L2 says of the sessions of a decoder, beside the device: each call is carried out by both, its error compared, and each
 * event checked. Calls come from bytes, so that a fuzzer can choose them.
 */
final class MediaModel {
    private static final int SLOTS = 3;
    private static final int[] SIDES = { 16, 48, 64 };

    /** A queue as its client knows it. */
    private static final class Queue {
        private final int type;
        private int memory = V4l2.MEMORY_MMAP;
        private boolean streaming;
        /** By index: 0 absent, 1 the client's, 2 prepared, 3 queued. */
        private final int[] states = new int[BufferQueue.MOST_BUFFERS];
        /** The time of the unit that a prepared buffer has. */
        private final long[] prepared = new long[BufferQueue.MOST_BUFFERS];
        /** In the order of QBUF. */
        private final Deque<Integer> queued = new ArrayDeque<>();

        Queue(int type) {
            this.type = type;
        }

        int count() {
            int count = 0;
            for (int state : states) count += state == 0 ? 0 : 1;
            return count;
        }

        void off() {
            streaming = false;
            queued.clear();
            for (int i = 0; i < states.length; i++) states[i] = Math.min(states[i], 1);
        }
    }

    /** A session. */
    private static final class Client {
        private final int id;
        private final Queue output = new Queue(MediaDriver.OUTPUT);
        private final Queue capture = new Queue(MediaDriver.CAPTURE);
        private boolean draining;
        private int number;
        /** Seeds by the time of their units; what is delivered must be one of these, once. */
        private final Map<Long, Integer> seeds = new HashMap<>();
        private boolean broken;
        /** A drain has ended, and the client has not started again. */
        private boolean ended;

        Client(int id) {
            this.id = id;
        }

        void end() {
            draining = false;
            ended = true;
        }

        Queue queue(boolean isOutput) {
            return isOutput ? output : capture;
        }
    }

    private final OneThreadMedia device;
    private final @Nullable Client[] clients = new Client[SLOTS];
    private long pictures;
    private long calls;

    MediaModel(OneThreadMedia device) {
        this.device = device;
    }

    long pictures() {
        return pictures;
    }

    long calls() {
        return calls;
    }

    /** Carries out what the bytes say, until they end. */
    void run(FuzzInput in) {
        while (in.hasMore())
            step(in.u8(), in.u8(), in.u8());
        for (int i = 0; i < SLOTS; i++) {
            if (clients[i] != null) close(i);
        }
        while (device.work())
            events();
        events();
        Arrays.fill(clients, null);
    }

    private void step(int what, int who, int how) {
        calls++;
        // What is in the ring came before what is called now.
        device.arrived().ifPresent(this::check);
        int slot = who % SLOTS;
        Client client = clients[slot];
        if (client == null) {
            open(slot);
            return;
        }
        boolean output = (who & 0x80) != 0;
        switch (what % 16) {
            case 0, 1 -> queue(client, output, how);
            case 2 -> request(client, output, how);
            case 3 -> create(client, output, how);
            case 4 -> stream(client, output, true);
            case 5 -> stream(client, output, how % 4 != 0);
            case 6 -> stream(client, output, how % 8 != 0);
            case 7 -> command(client, how % 3);
            case 8, 9, 10 -> device.work();
            case 11 -> events();
            case 12 -> format(client, output, how);
            case 13 -> prepare(client, output, how);
            case 14 -> usual(client);
            default -> {
                if (how % 8 == 0) close(slot);
                else remove(client, output, how);
            }
        }
        if (how % 2 == 0) events();
    }

    private void open(int slot) {
        int id = device.open();
        assertThat(id).isPositive();
        Client client = new Client(id);
        clients[slot] = client;
        check(client, Ioctl.SUBSCRIBE_EVENT,
                MediaDriver.little(Struct.Subscription.BYTES).putInt(0, V4l2.EVENT_EOS), 0);
        check(client, Ioctl.SUBSCRIBE_EVENT,
                MediaDriver.little(Struct.Subscription.BYTES).putInt(0, V4l2.EVENT_SOURCE_CHANGE), 0);
        format(client, true, 0);
    }

    private void close(int slot) {
        device.closeSession(Objects.requireNonNull(clients[slot]).id);
        clients[slot] = null;
    }

    private void check(Client client, Ioctl ioctl, ByteBuffer payload, int errno) {
        assertThat(Errno.name(device.ioctl(client.id, ioctl, payload))).as("%s of session %d, call %d", ioctl,
                client.id, calls).isEqualTo(Errno.name(client.broken ? Errno.EIO : errno));
    }

    /** The steps that a client takes to decode at all. */
    private void usual(Client client) {
        for (Queue queue : List.of(client.output, client.capture)) {
            if (queue.count() == 0) request(client, queue == client.output, 3);
            if (!queue.streaming) stream(client, queue == client.output, true);
        }
    }

    private void request(Client client, boolean output, int how) {
        Queue queue = client.queue(output);
        int count = how % 5;
        int memory = how % 11 == 10 ? 3 : how % 7 == 6 ? V4l2.MEMORY_USERPTR : V4l2.MEMORY_MMAP;
        ByteBuffer payload = MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(0, count).putInt(4, queue.type)
                .putInt(8, memory);
        int errno = memory == 3 ? Errno.EINVAL : queue.streaming ? Errno.EBUSY : 0;
        check(client, Ioctl.REQBUFS, payload, errno);
        if (errno != 0 || client.broken) return;
        queue.off();
        Arrays.fill(queue.states, 0);
        queue.memory = memory;
        assertThat(payload.getInt(0)).isEqualTo(count);
        Arrays.fill(queue.states, 0, count, 1);
    }

    private void create(Client client, boolean output, int how) {
        Queue queue = client.queue(output);
        int count = how % 3;
        ByteBuffer payload = MediaDriver.little(Struct.CreateBuffers.BYTES).putInt(4, count)
                .putInt(8, V4l2.MEMORY_MMAP);
        ByteBuffer format = MediaDriver.little(Struct.Format.BYTES).putInt(0, queue.type);
        check(client, Ioctl.G_FMT, format, 0);
        boolean small = how % 13 == 12 && count > 0;
        if (small) format.putInt(28, format.getInt(28) - 1);
        payload.put(16, format, 0, Struct.Format.BYTES);
        int errno = small || (count > 0 && queue.count() > 0 && queue.memory != V4l2.MEMORY_MMAP) ? Errno.EINVAL : 0;
        // The model does not say how many fit: few are made.
        if (errno == 0 && queue.count() + count > 6) return;
        check(client, Ioctl.CREATE_BUFS, payload, errno);
        if (errno != 0 || client.broken || count == 0) return;
        queue.memory = V4l2.MEMORY_MMAP;
        int first = payload.getInt(0);
        int made = payload.getInt(4);
        for (int i = 0; i < made; i++) {
            assertThat(queue.states[first + i]).isZero();
            queue.states[first + i] = 1;
        }
    }

    private void remove(Client client, boolean output, int how) {
        Queue queue = client.queue(output);
        int index = how % 7;
        int state = queue.states[index];
        int errno = state == 0 ? Errno.EINVAL : state == 1 ? 0 : Errno.EBUSY;
        check(client, Ioctl.REMOVE_BUFS,
                MediaDriver.little(Struct.RemoveBuffers.BYTES).putInt(0, index).putInt(4, 1).putInt(8, queue.type),
                errno);
        if (errno == 0 && !client.broken) queue.states[index] = 0;
    }

    private ByteBuffer buffer(Client client, Queue queue, int how) {
        int index = how % 7;
        ByteBuffer payload = MediaDriver.buffer(queue.type, index, V4l2.MEMORY_MMAP, 1);
        if (queue.type == MediaDriver.OUTPUT && queue.states[index] == 1 && queue.memory == V4l2.MEMORY_MMAP)
            unit(client, payload, index, how);
        // Of what was prepared before, only the time is given now.
        if (queue.states[index] == 2) payload.putLong(24, queue.prepared[index]);
        return payload;
    }

    /** Puts a unit into a buffer of OUTPUT that is the client's. */
    private void unit(Client client, ByteBuffer payload, int index, int how) {
        ByteBuffer queried = MediaDriver.buffer(MediaDriver.OUTPUT, index, V4l2.MEMORY_MMAP, 1);
        check(client, Ioctl.QUERYBUF, queried, 0);
        if (client.broken) return;
        client.number++;
        int side = SIDES[how % 61 == 60 ? 2 : how % 31 == 30 ? 1 : 0];
        ByteBuffer unit = how % 23 == 22
                ? PlainUnits.deed(side, side, PlainUnits.BROKEN)
                : PlainUnits.pattern(side, side, client.number, client.number, how % 3);
        device.write(queried.getInt(96), unit);
        payload.putInt(88, how % 29 == 28 ? 0 : unit.limit()).putLong(24, client.number);
        client.seeds.put((long) client.number, client.number);
    }

    private void queue(Client client, boolean output, int how) {
        Queue queue = client.queue(output);
        ByteBuffer payload = buffer(client, queue, how);
        int index = payload.getInt(0);
        int state = queue.states[index];
        int errno = state == 0 || state == 3 || queue.memory != V4l2.MEMORY_MMAP ? Errno.EINVAL : 0;
        // A buffer of an earlier, smaller format is refused too; then it stays the client's.
        int said = device.ioctl(client.id, Ioctl.QBUF, payload);
        if (client.broken) {
            assertThat(said).isEqualTo(Errno.EIO);
            return;
        }
        if (errno == 0 && !output && said == Errno.EINVAL) {
            assertThat(isSmall(client, index)).isTrue();
            return;
        }
        assertThat(Errno.name(said)).as("QBUF %d of session %d, call %d", index, client.id, calls)
                .isEqualTo(Errno.name(errno));
        if (errno != 0) return;
        queue.states[index] = 3;
        queue.queued.add(index);
        assertThat(payload.getInt(12) & (V4l2.BUF_QUEUED | V4l2.BUF_DONE)).isNotZero();
    }

    private boolean isSmall(Client client, int index) {
        ByteBuffer queried = MediaDriver.buffer(MediaDriver.CAPTURE, index, V4l2.MEMORY_MMAP, 1);
        check(client, Ioctl.QUERYBUF, queried, 0);
        ByteBuffer format = MediaDriver.little(Struct.Format.BYTES).putInt(0, MediaDriver.CAPTURE);
        check(client, Ioctl.G_FMT, format, 0);
        return queried.getInt(92) < format.getInt(28);
    }

    private void prepare(Client client, boolean output, int how) {
        Queue queue = client.queue(output);
        ByteBuffer payload = buffer(client, queue, how);
        int index = payload.getInt(0);
        boolean right = queue.states[index] == 1 && queue.memory == V4l2.MEMORY_MMAP;
        int said = device.ioctl(client.id, Ioctl.PREPARE_BUF, payload);
        if (client.broken) return;
        if (right && !output && said == Errno.EINVAL) {
            assertThat(isSmall(client, index)).isTrue();
            return;
        }
        assertThat(said).isEqualTo(right ? 0 : Errno.EINVAL);
        if (right) queue.states[index] = 2;
        if (right) queue.prepared[index] = client.number;
    }

    private void stream(Client client, boolean output, boolean on) {
        Queue queue = client.queue(output);
        int errno = on && !queue.streaming && queue.count() == 0 ? Errno.EINVAL : 0;
        check(client, on ? Ioctl.STREAMON : Ioctl.STREAMOFF, MediaDriver.little(4).putInt(0, queue.type), errno);
        if (errno != 0 || client.broken) return;
        if (on) {
            queue.streaming = true;
        } else {
            queue.off();
            client.draining = false;
            client.ended = false;
        }
    }

    private void command(Client client, int which) {
        events(); // whether a drain has ended
        boolean both = client.output.streaming && client.capture.streaming;
        ByteBuffer payload = MediaDriver.little(Struct.CodecCommand.BYTES).putInt(0, which);
        if (which > 1) {
            check(client, Ioctl.DECODER_CMD, payload, Errno.EINVAL);
            return;
        }
        int said = device.ioctl(client.id, Ioctl.DECODER_CMD, payload);
        if (client.broken) return;
        if (which == V4l2.CMD_STOP) {
            assertThat(said).as("STOP, call %d", calls).isEqualTo(both && client.draining ? Errno.EBUSY : 0);
            client.draining |= both && !client.ended;
        } else {
            // While the last buffer of another format is due, START is refused as well.
            if (client.draining) assertThat(said).as("START, call %d", calls).isEqualTo(Errno.EBUSY);
            else assertThat(said).isIn(0, Errno.EBUSY);
            if (said == 0) client.ended = false;
        }
    }

    private void format(Client client, boolean output, int how) {
        Queue queue = client.queue(output);
        ByteBuffer payload = MediaDriver.little(Struct.Format.BYTES).putInt(0, queue.type).putInt(8, SIDES[how % 3])
                .putInt(12, SIDES[how % 3]).putInt(16, V4l2.fourcc(output ? "SLPL" : "YU12")).putInt(28, 4096);
        boolean busy = queue.count() > 0 || (output && client.capture.count() > 0);
        check(client, Ioctl.TRY_FMT, payload.duplicate().order(payload.order()), 0);
        check(client, Ioctl.S_FMT, payload, busy ? Errno.EBUSY : 0);
    }

    // ---- what comes back

    private void events() {
        for (var event = device.event(); event.isPresent(); event = device.event()) check(event.get());
    }

    private void check(MediaDriver.Event event) {
        Client client = null;
        for (Client one : clients) {
            if (one != null && one.id == event.session()) client = one;
        }
        if (client == null) return; // it was closed before its event was delivered
        if (event.kind() == 0) {
            client.broken = true;
            throw new AssertionError("a session failed");
        }
        if (!event.isBuffer()) {
            if (event.event() == V4l2.EVENT_EOS) client.end();
            return;
        }
        Queue queue = client.queue(event.type() == MediaDriver.OUTPUT);
        assertThat(queue.streaming).as("events come while a queue streams").isTrue();
        assertThat(queue.queued.remove(event.index())).as("buffer %d of %d was queued", event.index(), event.type())
                .isTrue();
        queue.states[event.index()] = 1;
        if (event.type() == MediaDriver.OUTPUT || event.used() == 0) return;
        pictures++;
        Integer seed = client.seeds.remove(event.seconds());
        if (seed == null) throw new AssertionError("a picture of the time " + event.seconds() + " that none is due at");
        if ((event.flags() & V4l2.BUF_ERROR) == 0)
            assertThat(device.read(event.body().getInt(96))).as("the first sample")
                    .isEqualTo(PlainUnits.sample(seed, 0, 0, 0));
    }
}
