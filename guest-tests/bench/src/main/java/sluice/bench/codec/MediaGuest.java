package sluice.bench.codec;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import org.HdrHistogram.Histogram;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.media.CodecProvider;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ServedDevice;

/**
 * The codec device, served over vhost-user as {@code ./sluice codec} does, and the driver of its guest. The driver sends one command at a
 * time and looks for its answer for a moment without sleeping, so that what it measures is mostly the device's. Used by one thread.
 */
final class MediaGuest implements AutoCloseable {
    private static final int RAM_BYTES = 8 << 20;
    private static final int RING = 64;
    private static final int EVENTS = 24;
    private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(60);
    /** How long it looks for an answer without sleeping: longer, and it keeps the device from a processor. */
    private static final long WAIT_NANOS = TimeUnit.MICROSECONDS.toNanos(30);
    /** Between looks for an event: many times shorter than a picture takes, and seldom enough to leave the processors to the device. */
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final ServedDevice device;
    private final GuestRam ram = GuestRam.single(RAM_BYTES, 1);
    private final DeviceSession session;
    private final CommandQueue commands;
    private final CommandQueue events;
    private final Deque<CommandQueue.Ticket> lent = new ArrayDeque<>();
    /** From sending a command to its answer, in nanoseconds. */
    private final Histogram answers = new Histogram(LONGEST_NANOS, 3);
    private final FileMapping window;

    /**
     * Serves the device, and connects to it.
     *
     * @param arenaMib its memory for buffers, in MiB
     */
    MediaGuest(int arenaMib) throws IOException, WrongOptionException {
        device = new ServedDevice(new CodecProvider(), "transport", "vhost-user", "codings", "h264", "arena",
                Integer.toString(arenaMib), "virtio-id", "31");
        Profile qemu = Profile.qemu11();
        session = new DeviceSession(device.frontEnd(), ram,
                new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), RING, RING);
        session.realize();
        session.start();
        commands = new CommandQueue(session.queue(0), ram).polling(true);
        events = new CommandQueue(session.queue(1), ram).polling(true);
        for (int i = 0; i < EVENTS; i++) lend();
        window = mapArena();
    }

    /** Maps the arena, which the device asks for at the first MMAP command. */
    private FileMapping mapArena() throws IOException {
        int id = open();
        if (call(id, MediaWire.REQBUFS, MediaWire.request(MediaWire.OUTPUT, 1)) != 0)
            throw new IllegalStateException("the device has no memory for a buffer");
        ByteBuffer buffer = MediaWire.buffer(MediaWire.OUTPUT, 0, 0);
        call(id, MediaWire.QUERYBUF, buffer);
        CommandQueue.Ticket mapping = commands.send(MediaWire.map(id, buffer.getInt(96)), 24);
        BackEndChannel.Request map = session.channel().receive(Deadline.USUAL);
        try (Fd file = map.fds().getFirst()) {
            FileMapping mapped = new FileMappings(Budget.ofProcess()).map(file);
            session.channel().reply(map, 0);
            if (commands.await(mapping).getInt(0) != 0) throw new IllegalStateException("MMAP is refused");
            close(id);
            return mapped;
        }
    }

    private void lend() throws IOException {
        lent.add(events.send(ByteBuffer.allocate(0), MediaWire.EVENT_BYTES));
    }

    /** Memory of all MMAP buffers. */
    MemorySegment arena() {
        return window.segment();
    }

    private ByteBuffer send(ByteBuffer command, int room) throws IOException {
        long sent = System.nanoTime();
        CommandQueue.Ticket ticket = commands.send(command, room);
        while (!session.queue(0).driver().usedPending() && System.nanoTime() - sent < WAIT_NANOS)
            Thread.onSpinWait();
        ByteBuffer answer = commands.await(ticket);
        answers.recordValue(Math.min(LONGEST_NANOS, System.nanoTime() - sent));
        return answer;
    }

    int open() throws IOException {
        ByteBuffer answer = send(MediaWire.open(), 16);
        if (answer.getInt(0) != 0) throw new IOException("the device opens no session: errno " + answer.getInt(0));
        return answer.getInt(8);
    }

    void close(int id) throws IOException {
        send(MediaWire.close(id), 0);
    }

    /** Carries an ioctl out: 0, and {@code structure} as it was answered, or an errno. */
    int call(int id, int code, ByteBuffer structure) throws IOException {
        ByteBuffer answer = send(MediaWire.ioctl(id, code, structure), 8 + structure.limit());
        if (answer.limit() > 8) structure.put(0, answer, 8, Math.min(answer.limit() - 8, structure.limit()));
        return answer.getInt(0);
    }

    /** The same, which must succeed. */
    void require(int id, int code, ByteBuffer structure) throws IOException {
        int errno = call(id, code, structure);
        if (errno != 0) throw new IOException("ioctl %d fails: errno %d".formatted(code, errno));
    }

    /** The next event, its buffer lent again: its kind, its session, and at 8 what follows. Waits for it without using a processor. */
    ByteBuffer event() throws IOException {
        while (!session.queue(1).driver().usedPending() && !lent.element().done())
            LockSupport.parkNanos(LOOK_NANOS);
        ByteBuffer event = events.await(lent.remove());
        lend();
        return event;
    }

    /** From sending a command to its answer, as its driver sees it: in microseconds at a percentile, since the last {@link #forgetAnswers}. */
    double answeredMicros(double percentile) {
        return answers.getValueAtPercentile(percentile) / 1e3;
    }

    void forgetAnswers() {
        answers.reset();
    }

    /** Ends the device; its report as JSON. */
    String end() throws IOException {
        window.release();
        session.close();
        ram.close();
        return device.end();
    }

    @Override
    public void close() {
        device.close();
    }
}
