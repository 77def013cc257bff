package sluice.vdev.profile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.trace.DeviceTrace;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.QueueTrace;
import sluice.dmacore.trace.chronicle.FlightRecorder;
import sluice.dmacore.trace.chronicle.RecorderOptions;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.QueueRig;
import sluice.vdev.queue.RingFeatures;
import sluice.vdev.queue.Virtqueue;

/**
 * A device whose frames go through every stage, with its driver on the same thread, and in which one stage can be slow. A frame has two
 * requests.
 */
final class StagedDevice implements AutoCloseable {
    private static final int BYTES = 4096;
    private static final int TO_DEVICE = 1;
    /** At the begin and at the end, if the driver tells of itself. */
    static final int BATCHES = 5;

    private final ProfileFolder folder;
    private final FlightRecorder recorder;
    private final DmaCore core;
    private final DeviceTrace trace;
    private final QueueTrace queueTrace;
    private final int first;
    private final int second;
    private final QueueRig rig;
    private final Virtqueue queue;
    private Stage slow = Stage.DEVICE;
    private long slowNanos;
    private long frame;
    private long requests;
    private long beforeFirst;
    private long afterFirst;
    private long beforeLast;
    private long afterLast;
    /** What the driver tells of itself, if it does. */
    private @Nullable GuestLog guest;

    StagedDevice(Path folder, RingKind kind, int events) throws IOException, InterruptedException {
        this.folder = new ProfileFolder(folder);
        this.folder.create();
        recorder = FlightRecorder.start(new RecorderOptions(this.folder.recording(), events, BYTES));
        if (!recorder.awaitOpen()) throw new AssertionError("the recorder does not open");
        core = DmaCore.open(DmaCoreOptions.counting().withTrace(recorder));
        trace = core.trace("staged");
        queueTrace = core.queueTrace("staged: main");
        first = core.named("FIRST");
        second = core.named("SECOND");
        rig = new QueueRig(8, new RingFeatures(true, true, kind == RingKind.PACKED, false, false), BYTES);
        queue = rig.start(kind.start(), this::interrupt, queueTrace);
    }

    ProfileFolder folder() {
        return folder;
    }

    FlightRecorder recorder() {
        return recorder;
    }

    /** The driver tells of itself from now on, by a clock that is this much ahead and goes faster. */
    void tellGuest(long offset, double drift) {
        guest = new GuestLog("main", offset, drift);
        for (int i = 0; i < BATCHES; i++) batch(guest);
    }

    /** Two requests that are with the device at once, which bound the clock well: none of their ways is long. */
    private void batch(GuestLog told) {
        for (int i = 0; i < 2; i++) {
            rig.driver.submit(List.of(rig.buffer(32L * i, 16)), List.of(rig.buffer(64 + 32L * i, 16)));
            told.queued(first, ++requests);
        }
        queueTrace.noticed();
        for (int i = 0; i < 2; i++) {
            if (!(queue.poll() instanceof Chain chain)) throw new AssertionError("no request");
            chain.setName(first);
            chain.complete();
        }
        if (queue.publish() != Polled.Empty.EMPTY) throw new AssertionError("not published");
        told.interrupted().responded(requests - 1).responded(requests);
        while (rig.driver.poll().isPresent())
            queueTrace.empty();
    }

    /** Makes a stage last this much longer in the frames to come. */
    void slow(Stage stage, long nanos) {
        slow = stage;
        slowNanos = nanos;
    }

    private void pause(Stage stage) {
        if (stage != slow || slowNanos == 0) return;
        long end = System.nanoTime() + slowNanos;
        for (long left = slowNanos; left > 0; left = end - System.nanoTime()) LockSupport.parkNanos(left);
    }

    /**
     * The time of a frame as seen from outside, in nanoseconds: whatever keeps the thread from running, and wherever, the device's own
     * time is between the two.
     *
     * @param least from after its first event until before its last
     * @param most from before its first event until after its last
     */
    record Seen(long least, long most) {
        /** Whether the two are so close that the time is known to 5 %. */
        boolean isClear() {
            return most - least <= 0.05 * least;
        }
    }

    /** Does one frame. */
    Seen frame() {
        beforeFirst = 0;
        request(first, false);
        pause(Stage.GUEST);
        request(second, true);
        return new Seen(beforeLast - afterFirst, afterLast - beforeFirst);
    }

    /** What begins a frame. */
    private void begin(Runnable event) {
        if (beforeFirst != 0) {
            event.run();
            return;
        }
        beforeFirst = System.nanoTime();
        event.run();
        afterFirst = System.nanoTime();
    }

    /** What may be the end of a frame; the last is. */
    private void end(Runnable event) {
        beforeLast = System.nanoTime();
        event.run();
        afterLast = System.nanoTime();
    }

    private void request(int name, boolean shows) {
        rig.driver.submit(List.of(rig.buffer(0, 16)), List.of(rig.buffer(64, 16)));
        requests++;
        GuestLog told = guest;
        if (told != null) begin(() -> told.queued(name, requests));
        if (shows) pause(Stage.SUBMIT);
        begin(queueTrace::noticed);
        if (shows) pause(Stage.QUEUE);
        if (!(queue.poll() instanceof Chain chain)) throw new AssertionError("no request");
        chain.setName(name);
        if (shows) work();
        chain.complete();
        if (shows) pause(Stage.RESPONSE);
        if (queue.poll() != Polled.Empty.EMPTY) throw new AssertionError("a request too many");
        end(this::publish);
        if (shows) pause(Stage.DELIVERY);
        if (told != null) told.interrupted();
        if (shows) pause(Stage.DRIVER);
        if (told != null) end(() -> told.responded(requests));
        if (rig.driver.poll().isEmpty()) throw new AssertionError("no answer");
    }

    private void interrupt() {
        pause(Stage.INTERRUPT);
        beforeLast = System.nanoTime();
    }

    private void publish() {
        if (queue.publish() != Polled.Empty.EMPTY) throw new AssertionError("not published");
    }

    private void work() {
        pause(Stage.DEVICE);
        long began = trace.begin();
        pause(Stage.TRANSLATE);
        trace.translated(0, BYTES, began);
        began = trace.begin();
        began(EventKind.WRITE_BACK, Stage.CACHE);
        pause(Stage.TRANSFER);
        long now = System.nanoTime();
        recorder.record(EventKind.SYNC_FOR_DEVICE, 0, 1, TO_DEVICE, 0, BYTES, 0, now - began, now);
        began = trace.begin();
        pause(Stage.COPY);
        trace.copied(TO_DEVICE, 0, BYTES, began);
        began = trace.begin();
        pause(Stage.DISPLAY);
        trace.displayed(1, began);
        trace.shown(++frame);
    }

    private void began(EventKind kind, Stage stage) {
        long began = System.nanoTime();
        pause(stage);
        long now = System.nanoTime();
        recorder.record(kind, 0, 1, 0, 0, BYTES, BYTES, now - began, now);
    }

    /** Only the events of some requests. */
    void trace(int requests) {
        for (int i = 0; i < requests; i++) {
            queueTrace.noticed();
            long now = queueTrace.now();
            long waited = queueTrace.waited(now);
            queueTrace.empty();
            trace.displayed(1, now);
            queueTrace.done(first, now, waited, 1, 0);
            queueTrace.answered(1, now, now);
        }
    }

    /** Ends the recording; the folder can be read then. */
    @Override
    public void close() throws IOException {
        for (int i = 0; i < BATCHES && guest != null; i++) batch(guest);
        rig.close();
        recorder.close();
        if (guest != null) Files.writeString(folder.guestTrace(), guest.toString());
    }
}
