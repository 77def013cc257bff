package sluice.vdev.profile;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.trace.recording.Event;
import sluice.dmacore.trace.recording.Names;
import sluice.vdev.profile.guest.GuestMatch;
import sluice.vdev.profile.guest.GuestTimes;

/**
 * Puts the events of one device's thread together to frames.
 *
 * <p>A frame of a device with queues begins with the kick of the first request after the frame before, and ends with the answer to the
 * request that showed it. A frame of a device without queues lasts from one delivery to the next.
 */
final class FrameAssembler {
    /** Requests of a queue that are done and not answered; more are forgotten. */
    private static final int MOST_DONE = 1 << 16;
    /** Durations beyond this are not believed. */
    private static final long MOST_NANOS = 1L << 42;
    private static final String OF_DEVICE = ": ";

    /** A request that is done and not yet answered. */
    private record Done(long kicked, long taken, long done, int name, long available, @Nullable GuestTimes guest) {}

    private final int thread;
    private final Names names;
    private final @Nullable GuestMatch guest;
    private final Intervals intervals = new Intervals();
    private final Map<Integer, Deque<Done>> queues = new HashMap<>();
    private final Tally all = new Tally();
    private @Nullable DeviceProfile profile;
    private Tally tally = new Tally();
    /**
     * Frames still to be left out: of a recording without its beginning, the first is not whole, and the second may have an answer of the
     * first.
     */
    private int partial;
    private boolean hasQueues;
    private boolean hasFrame;
    private boolean isShown;
    private long frameNumber;
    private long frameTime;
    /** The queue whose answer ends the frame; 0 if not known yet. */
    private int endsWith;
    private long lastEnd;

    /**
     * @param isWhole whether the recording has the beginning of the first frame
     * @param guest what the guest has told, or null
     */
    FrameAssembler(int thread, Names names, boolean isWhole, @Nullable GuestMatch guest) {
        this.guest = guest;
        this.thread = thread;
        this.names = names;
        partial = isWhole ? 0 : 2;
    }

    void add(Event event) {
        tally.add(event);
        all.add(event);
        switch (event.kind()) {
            case COMMAND -> command(event);
            case BATCH -> batch(event);
            case ANSWER -> answer(event);
            case FRAME -> frame(event);
            default -> {
                Stage stage = Stage.of(event.kind());
                if (stage != null && isBelievable(event.nanos()))
                    intervals.add(stage, event.nanoTime() - event.nanos(), event.nanoTime());
            }
        }
    }

    private static boolean isBelievable(long nanos) {
        return nanos >= 0 && nanos < MOST_NANOS;
    }

    private void command(Event event) {
        hasQueues = true;
        if (!isBelievable(event.nanos()) || !isBelievable(event.from())) return;
        profile(event.attachment());
        long taken = event.nanoTime() - event.nanos();
        long kicked = taken - event.from();
        GuestTimes told = guest == null ? null : guest.times(event);
        if (told != null) intervals.add(Stage.SUBMIT, told.queued(), kicked);
        intervals.add(Stage.QUEUE, kicked, taken);
        intervals.add(Stage.DEVICE, taken, event.nanoTime());
        Deque<Done> done = queues.computeIfAbsent(event.attachment(), _ -> new ArrayDeque<>());
        if (done.size() == MOST_DONE) done.remove();
        done.add(new Done(kicked, taken, event.nanoTime(), event.detail(), event.length(), told));
        if (isShown && endsWith == 0 && taken - frameTime <= 0) endsWith = event.attachment();
    }

    /** Each of its requests has an equal part of its time. */
    private void batch(Event event) {
        hasQueues = true;
        long count = event.length();
        if (!isBelievable(event.nanos()) || !isBelievable(event.from()) || count < 1 || count > MOST_DONE) return;
        profile(event.attachment()).batched(count);
        long taken = event.nanoTime() - event.nanos();
        long kicked = taken - event.from();
        intervals.add(Stage.QUEUE, kicked, taken);
        intervals.add(Stage.DEVICE, taken, event.nanoTime());
        Deque<Done> done = queues.computeIfAbsent(event.attachment(), _ -> new ArrayDeque<>());
        for (long i = 0; i < count; i++) {
            if (done.size() == MOST_DONE) done.remove();
            long begins = taken + event.nanos() * i / count;
            done.add(new Done(kicked, begins, taken + event.nanos() * (i + 1) / count, event.detail(), 0, null));
        }
        if (isShown && endsWith == 0 && taken - frameTime <= 0) endsWith = event.attachment();
    }

    private void answer(Event event) {
        DeviceProfile device = profile(event.attachment());
        long time = event.nanoTime();
        long end = time;
        Deque<Done> done = queues.getOrDefault(event.attachment(), new ArrayDeque<>());
        for (long i = 0; i < event.length() && !done.isEmpty(); i++) {
            Done one = done.remove();
            intervals.add(Stage.RESPONSE, one.done(), time);
            GuestTimes told = one.guest();
            if (told != null) {
                intervals.add(Stage.DELIVERY, time, told.interrupted());
                intervals.add(Stage.DRIVER, Math.max(time, told.interrupted()), told.responded());
                end = Math.max(end, told.responded());
            }
            device.request(queueName(event.attachment()), one.name() == 0 ? "request" : names.of(one.name()),
                    one.taken() - one.kicked(), one.done() - one.taken(), time - one.kicked(), one.available());
        }
        if (isBelievable(event.from())) intervals.add(Stage.INTERRUPT, time - event.from(), time);
        if (isShown && endsWith == event.attachment()) finish(device, time, end);
    }

    private void frame(Event event) {
        DeviceProfile device = profile(event.attachment());
        if (isShown) finish(device, event.nanoTime(), event.nanoTime()); // its answer is missing
        frameNumber = event.from();
        if (hasQueues) {
            isShown = true;
            frameTime = event.nanoTime();
        } else {
            finish(device, event.nanoTime(), event.nanoTime());
        }
    }

    /**
     * @param done when the device was done, from when on a next frame may begin
     * @param end when the guest's driver has had the answer, if that is known
     */
    private void finish(DeviceProfile device, long done, long end) {
        long start = hasQueues || !hasFrame ? intervals.first(end) : lastEnd;
        if (hasFrame && start - lastEnd < 0) start = lastEnd;
        if (partial == 0 && end - start >= 0)
            device.add(new Frame(frameNumber, start, end, intervals.split(start, end), tally));
        partial = Math.max(0, partial - 1);
        hasFrame = true;
        isShown = false;
        endsWith = 0;
        lastEnd = done;
        tally = new Tally();
        intervals.forgetBefore(done);
    }

    private String queueName(int number) {
        String full = names.of(number);
        int end = full.indexOf(OF_DEVICE);
        return end < 0 ? full : full.substring(end + OF_DEVICE.length());
    }

    /** @param number of the device, or of a queue of it */
    private DeviceProfile profile(int number) {
        DeviceProfile present = profile;
        if (present == null) {
            String full = names.of(number);
            int end = full.indexOf(OF_DEVICE);
            present = new DeviceProfile(end < 0 ? full : full.substring(0, end), thread);
            profile = present;
        }
        return present;
    }

    /** The device, or null if no event told that this thread is one's. */
    @Nullable
    DeviceProfile finished() {
        DeviceProfile present = profile;
        if (present != null) present.tally().add(all);
        return present;
    }

    /** All events of the thread. */
    Tally all() {
        return all;
    }

    long dropped() {
        return intervals.dropped();
    }
}
