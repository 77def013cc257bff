package sluice.vdev.differential;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.CommandQueue.Ticket;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;

/** One of the two GPUs with a guest's driver and a display. One thread at a time. */
final class Side implements AutoCloseable {
    /** The display's outputs: as many as there can be. */
    static final int OUTPUTS = GpuWire.MAX_SCANOUTS;

    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int CONTROL_SIZE = 64;
    private static final int CURSOR_SIZE = 16;

    private final DeviceSession session;
    private final Duration limit;
    private final DisplayPeer display;
    private final CommandQueue control;
    private final CommandQueue cursor;
    private final List<Ticket> sent = new ArrayList<>();
    /** Filled by the display's thread, guarded by itself. */
    private final List<Seen> seen = new ArrayList<>();
    private @Nullable Ticket barrier;

    /**
     * Starts the device.
     *
     * @param limit how long an answer may take
     */
    Side(FrontEnd frontEnd, GuestRam ram, DeviceSession.Profile profile, Duration limit) throws IOException {
        this.limit = limit;
        session = new DeviceSession(frontEnd, ram, profile, CONTROL_SIZE, CURSOR_SIZE);
        display = DisplayPeer.open(OUTPUTS, WIDTH, HEIGHT);
        display.listen((message, payload) -> {
            Seen next = Seen.of(message, payload);
            if (next != null) {
                synchronized (seen) {
                    seen.add(next);
                }
            }
        });
        session.realize();
        session.start(display.backEndSide());
        display.backEndSide().close();
        control = new CommandQueue(session.queue(0), ram);
        cursor = new CommandQueue(session.queue(1), ram);
    }

    DisplayPeer display() {
        return display;
    }

    /**
     * Sends commands of one queue together. Behind those of the control queue goes a question to the display: when it is
     * answered, the display has read all that was said before.
     */
    void send(List<Step.Command> batch) throws IOException {
        CommandQueue queue = batch.getFirst().queue() == Step.Queue.CONTROL ? control : cursor;
        for (Step.Command command : batch) {
            sent.add(queue.form(command.form()).pieces(command.piece()).add(command.bytes().duplicate(),
                    command.room()));
        }
        if (queue == control) {
            barrier = control.add(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
        }
        queue.publish();
    }

    /** Waits for the answers to what was sent; each is as long as the device says. */
    List<ByteBuffer> answers() throws IOException {
        CommandQueue queue = barrier == null ? cursor : control;
        List<ByteBuffer> answers = new ArrayList<>();
        for (Ticket ticket : sent) {
            answers.add(queue.await(ticket, limit));
        }
        sent.clear();
        Ticket last = barrier;
        barrier = null;
        control.await(last == null ? control.send(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES) : last,
                limit);
        display.check();
        return answers;
    }

    /** The messages to the display since the last call, without the request of {@link #send}. */
    List<Seen> takeSeen() {
        synchronized (seen) {
            List<Seen> taken = new ArrayList<>(seen);
            seen.clear();
            if (!taken.isEmpty() && taken.getLast() instanceof Seen.Asked) {
                taken.removeLast();
            }
            return taken;
        }
    }

    /** The end as QEMU makes it, and throws what the back-end did wrong to the display. */
    @Override
    public void close() {
        try {
            display.close();
        } finally {
            session.close();
        }
    }
}
