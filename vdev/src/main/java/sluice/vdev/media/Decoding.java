package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.PictureFormat;

/**
 * The stream of a session: which work comes next, and what its results mean for buffers and events (dev-decoder.rst).
 *
 * <p>A unit is decoded only while nothing that was decoded before waits for a CAPTURE buffer, and its OUTPUT buffer goes
 * back when its pictures have, so a client sees how far the decoder is. Used on the device's loop.
 */
final class Decoding implements CodecStream {
    private final BufferQueue output;
    private final BufferQueue capture;
    private final Formats formats;
    private final Controls controls;
    private final SessionEvents events;
    private final DecodeJob job;
    private final UnitMarks marks = new UnitMarks();
    /** What was decoded and waits for a CAPTURE buffer, in order. */
    private final Deque<Outcome> outcomes = new ArrayDeque<>();
    /** Pictures that the running job delivers; they come before {@link #outcomes}. */
    private final Deque<Spare> spares = new ArrayDeque<>();
    /** The OUTPUT buffer of these. */
    private @Nullable MediaBuffer unit;
    private boolean unitFailed;
    /** The unit is decoded once more, as its pictures have another format than the CAPTURE buffers had. */
    private boolean repeat;
    private boolean running;
    /** The result of the running job is of a stream that was left. */
    private boolean discard;
    private boolean flush;
    /** STOP was received, and the last picture is not out yet. */
    private boolean draining;
    /** Units to be decoded before the drain. */
    private int beforeDrain;
    private boolean drained;
    /** The last picture is out: nothing is decoded until the client starts again. */
    private boolean stopped;
    /** The next CAPTURE buffer goes back empty, as the last of a stream. */
    private boolean lastDue;
    /** Pictures have another format than the CAPTURE buffers, until the client has set them up. */
    private boolean awaitsSetup;
    private int outputSequence;
    private int captureSequence;
    private long pictures;

    Decoding(BufferQueue output, BufferQueue capture, Formats formats, Controls controls, SessionEvents events,
            DecodeJob job) {
        this.output = output;
        this.capture = capture;
        this.formats = formats;
        this.controls = controls;
        this.events = events;
        this.job = job;
    }

    // ---- work

    @Override
    public long pictures() {
        return pictures;
    }

    @Override
    public boolean prepare() {
        if (running) return false;
        if (prepareFlush() || prepareDelivery() || prepareUnit() || prepareDrain()) {
            running = true;
            discard = false;
            return true;
        }
        return false;
    }

    private boolean capturesNow() {
        if (!capture.isStreaming() || awaitsSetup || lastDue) return false;
        refuseSmall();
        return capture.free() != null;
    }

    /** Pictures of a stream that was left are not kept. */
    private boolean prepareFlush() {
        if (!flush || !job.keepsBuffers()) return false;
        flush = false;
        job.begin(DecodeJob.Kind.FLUSH, false);
        return true;
    }

    private void lend(PictureFormat format) {
        job.lend(capture.queued(), formats.layout(), format, capture.roomForDecoder());
    }

    /** Buffers of before a change that are too small for it go back as errors. */
    private void refuseSmall() {
        long[] least = formats.sizes(V4l2.BUF_TYPE_CAPTURE_MPLANE);
        for (int i = capture.queued().size(); i > 0; i--) {
            MediaBuffer buffer = capture.queued().remove();
            if (buffer.holds(least)) {
                capture.queued().add(buffer);
                continue;
            }
            buffer.setFlags(V4l2.BUF_ERROR);
            captured(buffer, new long[buffer.planes()], false);
        }
    }

    private boolean prepareDelivery() {
        if (!(outcomes.peek() instanceof Spare) || !capturesNow()) return false;
        PictureFormat format = formats.stream();
        if (format == null) return false;
        job.begin(DecodeJob.Kind.DELIVER, false);
        lend(format);
        for (int room = capture.queued().size(); room > 0 && outcomes.peek() instanceof Spare spare; room--) {
            outcomes.remove();
            spares.add(spare);
            job.deliver(spare);
        }
        return true;
    }

    private boolean prepareUnit() {
        if (!outcomes.isEmpty() || (unit != null && !repeat) || stopped || !output.isStreaming()) return false;
        if (draining && beforeDrain == 0) return false;
        PictureFormat format = formats.stream();
        if (format != null && !capturesNow()) return false;
        MediaBuffer next = unit == null ? output.queued().poll() : unit;
        if (next == null) return false;
        unit = next;
        boolean again = repeat;
        repeat = false;
        if (!again) marks.keep(next);
        unitFailed = false;
        job.begin(DecodeJob.Kind.DECODE, flush);
        flush = false;
        job.decodeUnit(formats.coded(), next, again);
        if (format != null) lend(format);
        return true;
    }

    private boolean prepareDrain() {
        if (!draining || beforeDrain > 0 || drained || !outcomes.isEmpty() || unit != null) return false;
        job.begin(DecodeJob.Kind.DRAIN, false);
        PictureFormat format = formats.stream();
        if (format != null && capturesNow()) lend(format);
        drained = true;
        flush = true; // a drained decoder begins anew
        return true;
    }

    @Override
    public @Nullable Throwable finished() {
        running = false;
        job.letGo();
        spares.clear();
        if (job.failure() != null) return job.failure();
        repeat = job.repeats() && !discard && unit != null;
        unitFailed |= job.unitFailed() && job.kind() == DecodeJob.Kind.DECODE;
        for (int i = job.outcomes().size() - 1; i >= 0; i--) {
            Outcome outcome = job.outcomes().get(i);
            // What was delivered comes before what still waits.
            if (!discard && !(outcome instanceof MediaBuffer buffer && !keep(buffer))) outcomes.addFirst(outcome);
            if (discard) drop(outcome);
        }
        settle();
        return null;
    }

    /** A picture is in a CAPTURE buffer, unless the client has taken that back. */
    private boolean keep(MediaBuffer buffer) {
        return buffer.isLent() && capture.queued().remove(buffer);
    }

    /** A result that is not wanted; but what it says of the format stays true. */
    private void drop(Outcome outcome) {
        switch (outcome) {
            case Spare spare -> job.recycle(spare);
            case Outcome.FormatChange change -> changeFormat(change, false);
            case MediaBuffer buffer -> {
                // It stays in its queue.
            }
            case Outcome.End end -> {
                // The drain was given up.
            }
        }
    }

    @Override
    public void settle() {
        sendLast();
        boolean lastSent = false;
        while (spares.isEmpty() && !lastDue && !outcomes.isEmpty() && !(outcomes.peek() instanceof Spare)) {
            switch (outcomes.remove()) {
                case MediaBuffer buffer -> {
                    lastSent = endsStretch(outcomes.peek()) && !hasBufferForEnd();
                    // Before the last picture, so that its client does not take that for the end.
                    if (lastSent && outcomes.peek() instanceof Outcome.FormatChange)
                        events.signal(V4l2.EVENT_SOURCE_CHANGE, 0, V4l2.CHANGED_RESOLUTION);
                    captured(buffer, formats.sizes(buffer.type()), lastSent);
                }
                case Outcome.FormatChange change -> {
                    changeFormat(change, lastSent);
                    lastSent = false;
                }
                case Outcome.End end -> {
                    if (draining && lastSent) endDrain();
                    else if (draining) lastDue = true;
                    lastSent = false;
                }
                case Spare spare -> throw new IllegalStateException("a spare picture is delivered by a job");
            }
            sendLast();
        }
        if (outcomes.isEmpty() && !lastDue && !running && unit != null && !repeat) returnUnit(unit);
    }

    /**
     * Whether a drain ends with an empty buffer, as it does with most hardware, instead of the last picture's: a client that polls
     * after it has got that one needs another wake-up, and not each driver's poll gives it one.
     */
    private boolean hasBufferForEnd() {
        return outcomes.peek() instanceof Outcome.End && capture.isStreaming() && capture.free() != null;
    }

    private boolean endsStretch(@Nullable Outcome next) {
        return (next instanceof Outcome.End && draining)
                || (next instanceof Outcome.FormatChange change && !change.format().equals(formats.stream()));
    }

    /**
     * The stream has pictures of another format from here on.
     *
     * @param lastSent whether the picture before was marked as the last
     */
    private void changeFormat(Outcome.FormatChange change, boolean lastSent) {
        PictureFormat format = change.format();
        if (format.equals(formats.stream()) && change.pictures() == 0) return;
        int least = change.pictures() == 0
                ? 1
                : Math.min(BufferQueue.MOST_BUFFERS,
                        change.pictures() + PicturePlaces.NOT_FOR_DECODER);
        if (controls.change(V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, least))
            events.signal(V4l2.EVENT_CTRL, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, V4l2.CHANGED_VALUE);
        if (format.equals(formats.stream())) return;
        boolean first = formats.stream() == null;
        FrameLayout before = formats.layout();
        formats.setStream(format);
        events.signal(V4l2.EVENT_SOURCE_CHANGE, 0, V4l2.CHANGED_RESOLUTION);
        // A client may know the format, and have set it up before.
        if (!capture.isStreaming() || (first && before.isSame(formats.layout()))) return;
        awaitsSetup = true;
        lastDue = !lastSent;
    }

    private void sendLast() {
        MediaBuffer buffer = lastDue && capture.isStreaming() ? capture.free() : null;
        if (buffer == null) buffer = lastDue && capture.isStreaming() ? capture.queued().peek() : null;
        if (buffer == null) return;
        capture.queued().remove(buffer);
        lastDue = false;
        buffer.setFlags(0);
        captured(buffer, new long[buffer.planes()], true);
        if (draining && !awaitsSetup) endDrain();
    }

    private void endDrain() {
        draining = false;
        stopped = true;
        events.signal(V4l2.EVENT_EOS, 0, 0);
    }

    private void captured(MediaBuffer buffer, long[] used, boolean isLast) {
        for (int i = 0; i < buffer.planes(); i++) buffer.setUsed(i, i < used.length ? used[i] : 0, 0);
        if (isLast) buffer.setFlags(buffer.flags() | V4l2.BUF_LAST);
        buffer.setSequence(captureSequence++);
        if (buffer.bytesUsed(0) > 0) {
            pictures++;
            marks.mark(buffer);
        }
        buffer.takeBack();
        events.done(buffer);
    }

    private void returnUnit(MediaBuffer buffer) {
        unit = null;
        if (beforeDrain > 0) beforeDrain--;
        buffer.setFlags(unitFailed ? V4l2.BUF_ERROR : 0);
        buffer.setSequence(outputSequence++);
        buffer.takeBack();
        events.done(buffer);
    }

    // ---- what the client does

    @Override
    public int streamOn(BufferQueue queue) {
        int failed = queue.streamOn();
        if (failed == 0 && queue == capture) awaitsSetup = false;
        return failed;
    }

    @Override
    public void streamOff(BufferQueue queue) {
        queue.streamOff();
        if (queue == output) leaveStream();
        else leaveCapture();
    }

    /** A seek, or the end. */
    private void leaveStream() {
        events.forget(V4l2.BUF_TYPE_OUTPUT_MPLANE);
        discard = running;
        unit = null;
        repeat = false;
        flush = true;
        endDraining();
        stopped = false;
        for (Outcome left = outcomes.poll(); left != null; left = outcomes.poll()) drop(left);
    }

    private void leaveCapture() {
        events.forget(V4l2.BUF_TYPE_CAPTURE_MPLANE);
        lastDue = false;
        awaitsSetup = false;
        endDraining();
        stopped = false;
    }

    private void endDraining() {
        if (draining && !awaitsSetup) lastDue = false;
        draining = false;
        drained = false;
        beforeDrain = 0;
    }

    @Override
    public void beginAnew() {
        formats.forgetStream();
        outputSequence = 0;
        captureSequence = 0;
    }

    @Override
    public int command(Struct.CodecCommand command, boolean onlyTry) {
        int which = command.command();
        if (which != V4l2.DEC_CMD_START && which != V4l2.DEC_CMD_STOP) return Errno.EINVAL;
        command.clearRest();
        if (onlyTry) return 0;
        return which == V4l2.DEC_CMD_START ? start() : stop();
    }

    private int start() {
        if (draining || lastDue) return Errno.EBUSY;
        stopped = false;
        if (capture.isStreaming()) awaitsSetup = false;
        return 0;
    }

    private int stop() {
        if (!output.isStreaming() || !capture.isStreaming()) return 0;
        if (draining) return Errno.EBUSY;
        if (stopped) return 0;
        draining = true;
        drained = false;
        beforeDrain = output.queued().size() + (unit == null ? 0 : 1);
        return 0;
    }

    /** Pictures that wait are not delivered. */
    @Override
    public void close() {
        for (Outcome left = outcomes.poll(); left != null; left = outcomes.poll()) {
            if (left instanceof Spare spare) job.recycle(spare);
        }
        discard = running;
        unit = null;
    }
}
