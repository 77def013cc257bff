package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/**
 * The command queue: each command is answered before the next is taken. One that needs a translation of the VM's IOMMU, or
 * the front-end to map the arena, is carried out again, from its snapshot, when that has arrived.
 */
final class CommandQueue implements QueueWorker.Work {
    /** What commands do. */
    interface Device {
        /** OPEN: the new session, or null. */
        @Nullable
        Session open();

        /** CLOSE. */
        void close(int session);

        @Nullable
        Session find(int session);

        /** Commands were carried out on a session, and answered. */
        void changed(Session session);

        /** Whether the driver can reach the arena; if that is not known yet, {@link #resume} is called when it is. */
        Shown shown();

        FrameArena arena();

        /** What an ioctl lacked that ended with {@link BufferQueue#RETRY}. */
        Polled.Stalled lacked();
    }

    /** Whether the driver can reach the arena. */
    enum Shown {
        YES,
        NO,
        NOT_YET
    }

    private static final int OK = 0;
    private final int index;
    private final DeviceContext context;
    private final Device device;
    private final CommandDecoder decoder;
    private final QueueWorker worker;
    private final CommandTimes times;
    private final CommandNames names;
    private final byte[] answer = new byte[24];
    /** When the command that is carried out was taken, in nanoseconds. */
    private long taken;
    /** Sessions on which commands were carried out in this turn; few. */
    private final Deque<Session> touched = new ArrayDeque<>();
    private @Nullable Chain waiting;
    private @Nullable Command held;

    CommandQueue(int index, Virtqueue queue, DeviceContext context, Device device, CommandDecoder decoder,
            CommandTimes times, CommandNames names) {
        this.index = index;
        this.context = context;
        this.device = device;
        this.decoder = decoder;
        this.times = times;
        this.names = names;
        worker = new QueueWorker(index, queue, context, this);
    }

    /** Carries out what the driver has queued. */
    void run() {
        retry();
        worker.run();
        follow();
    }

    /** The driver has its answers, and goes on: now what they have changed has its effects, which take longer. */
    private void follow() {
        times.published();
        for (Session session = touched.poll(); session != null; session = touched.poll()) device.changed(session);
    }

    private void retry() {
        Chain chain = waiting;
        Command command = held;
        if (chain == null || command == null) return;
        waiting = null;
        carryOut(chain, command);
    }

    /** The queue stops: a command that waits is taken again when it starts. */
    void stop() {
        Chain chain = waiting;
        waiting = null;
        if (chain != null) worker.takeBack(chain);
    }

    @Override
    public boolean isHeldBack() {
        return waiting != null;
    }

    @Override
    public void execute(Chain chain) {
        taken = System.nanoTime();
        Command command = decoder.decode(chain.readable());
        names.give(chain, command);
        if (command == null) {
            refuse(chain);
            return;
        }
        carryOut(chain, command);
    }

    private void refuse(Chain chain) {
        Payload bytes = decoder.bytes();
        boolean unknown = bytes.length() >= Command.HEADER_BYTES
                && (bytes.u32(0) < Command.OPEN || bytes.u32(0) > Command.MUNMAP);
        respond(chain, unknown ? Errno.ENOTTY : Errno.EINVAL);
    }

    private void carryOut(Chain chain, Command command) {
        held = command;
        switch (command) {
            case Command.Open open -> open(chain);
            case Command.Close close -> {
                device.close(close.session());
                chain.complete();
            }
            case Command.Control control -> control(chain, control);
            case Command.Mmap mmap -> map(chain, mmap);
            case Command.Munmap munmap ->
                respond(chain, device.arena().unmap(munmap.address()) ? OK : Errno.EINVAL);
        }
        if (waiting == null) times.carriedOut(command, taken);
    }

    private void open(Chain chain) {
        Session session = device.open();
        put(0, session == null ? Errno.EMFILE : OK);
        put(8, session == null ? 0 : session.id());
        chain.respond(answer, session == null ? 8 : 16);
    }

    private void map(Chain chain, Command.Mmap mmap) {
        Session session = device.find(mmap.session());
        FrameArena.Range range = session == null ? null : session.rangeAt(mmap.offset());
        if (range == null) {
            respond(chain, Errno.EINVAL);
            return;
        }
        switch (device.shown()) {
            case NOT_YET -> waiting = chain;
            case NO -> respond(chain, Errno.ENODEV);
            case YES -> {
                device.arena().map(range);
                put(0, OK);
                put(8, range.offset());
                put(16, range.length());
                chain.respond(answer, 24);
            }
        }
    }

    /** The front-end has answered. */
    void resume() {
        if (waiting == null) return;
        retry();
        worker.resume();
        follow();
    }

    private void control(Chain chain, Command.Control control) {
        Session session = device.find(control.session());
        Ioctl ioctl = control.ioctl();
        if (session == null || ioctl == null) {
            respond(chain, session == null ? Errno.EINVAL : Errno.ENOTTY);
            return;
        }
        Payload bytes = decoder.bytes();
        int extra = extra(ioctl, bytes);
        if (bytes.length() < Struct.AT + ioctl.bytes() || extra < 0) {
            respond(chain, Errno.EINVAL);
            return;
        }
        int errno = session.execute(ioctl);
        if (errno == BufferQueue.RETRY) {
            waiting = chain;
            context.stalled(index, device.lacked());
            return;
        }
        put(0, errno);
        chain.append(answer, 0, 8);
        if (ioctl.reads() && (errno == 0 || (extra > 0 && isExtended(ioctl))))
            chain.append(bytes.bytes(), Struct.AT, ioctl.bytes() + extra);
        chain.complete();
        if (!touched.contains(session)) touched.add(session);
    }

    private static boolean isExtended(Ioctl ioctl) {
        return ioctl == Ioctl.G_EXT_CTRLS || ioctl == Ioctl.S_EXT_CTRLS || ioctl == Ioctl.TRY_EXT_CTRLS;
    }

    /** Bytes of the array that follows the structure; -1 if it is not there. */
    private static int extra(Ioctl ioctl, Payload bytes) {
        if (bytes.length() < Struct.AT + ioctl.bytes()) return -1;
        long wanted = switch (ioctl) {
            case QUERYBUF -> planes(bytes) * Struct.Plane.BYTES;
            case QBUF, PREPARE_BUF -> planes(bytes) * (Struct.Plane.BYTES
                    + (bytes.u32(Struct.AT + 60) == V4l2.MEMORY_DMABUF ? Struct.UUID_BYTES : 0));
            case EXPBUF -> Struct.UUID_BYTES;
            case G_EXT_CTRLS, S_EXT_CTRLS, TRY_EXT_CTRLS ->
                bytes.u32AsLong(Struct.AT + 4) * Struct.ExtControls.ONE_BYTES;
            default -> 0;
        };
        return wanted <= bytes.length() - Struct.AT - ioctl.bytes() ? (int) wanted : -1;
    }

    private static long planes(Payload bytes) {
        return Math.min(Struct.MAX_PLANES + 1, bytes.u32AsLong(Struct.AT + 72));
    }

    private void respond(Chain chain, int errno) {
        put(0, errno);
        chain.respond(answer, 8);
    }

    /** A 64-bit number; statuses and ids have zeros after them. */
    private void put(int at, long value) {
        for (int i = 0; i < Long.BYTES; i++) answer[at + i] = (byte) (value >>> (8 * i));
    }
}
