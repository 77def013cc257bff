package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.vdev.codec.PictureFormat;

/**
 * The stream of a session: which work comes next, and what its results mean for buffers and events (dev-decoder.rst).
 *
 * <p>A unit is decoded only while nothing that was decoded before waits for a CAPTURE buffer, and its OUTPUT buffer goes
 * back when its pictures have, so a client sees how far the decoder is. Used on the device's loop.
 */
final class Decoding extends CodecStream {
    private final Formats formats;
    private final Controls controls;
    private final SessionEvents events;
    private final DecodeJob job;
    private final UnitMarks marks = new UnitMarks();
    /** What was decoded and waits for a CAPTURE buffer, in order. */
    private final Deque<Outcome> outcomes = new ArrayDeque<>();
    /** Pictures that the running job delivers; they come before {@link #outcomes}. */
    private final Deque<Spare> spares = new ArrayDeque<>();
    private boolean unitFailed;
    /** The unit is decoded once more, as its pictures have another format than the CAPTURE buffers had. */
    private boolean repeat;
    private boolean flush;
    /** Pictures have another format than the CAPTURE buffers, until the client has set them up. */
    private boolean awaitsSetup;

    Decoding(BufferQueue output, BufferQueue capture, Formats formats, Controls controls, SessionEvents events,
            DecodeJob job) {
        super(output, capture, events, job);
        this.formats = formats;
        this.controls = controls;
        this.events = events;
        this.job = job;
    }

    // ---- work

    @Override
    boolean prepareNext() {
        return prepareFlush() || prepareDelivery() || prepareUnit() || prepareDrain();
    }

    private boolean capturesNow() {
        if (!capture().isStreaming() || awaitsSetup || isLastDue()) return false;
        refuseSmall();
        return capture().free() != null;
    }

    /** Pictures of a stream that was left are not kept. */
    private boolean prepareFlush() {
        if (!flush || !job.keepsBuffers()) return false;
        flush = false;
        job.begin(DecodeJob.Kind.FLUSH, false);
        return true;
    }

    private void lend(PictureFormat format) {
        job.lend(capture().queued(), formats.layout(), format, capture().roomForDecoder());
    }

    /** Buffers of before a change that are too small for it go back as errors. */
    private void refuseSmall() {
        long[] least = formats.sizes(V4l2.BUF_TYPE_CAPTURE_MPLANE);
        for (int i = capture().queued().size(); i > 0; i--) {
            MediaBuffer buffer = capture().queued().remove();
            if (buffer.holds(least)) {
                capture().queued().add(buffer);
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
        for (int room = capture().queued().size(); room > 0 && outcomes.peek() instanceof Spare spare; room--) {
            outcomes.remove();
            spares.add(spare);
            job.deliver(spare);
        }
        return true;
    }

    private boolean prepareUnit() {
        if (!outcomes.isEmpty() || (input() != null && !repeat) || !takesInput()) return false;
        PictureFormat format = formats.stream();
        if (format != null && !capturesNow()) return false;
        MediaBuffer next = input() == null ? nextInput() : input();
        if (next == null) return false;
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
        if (!isDrainDue() || !outcomes.isEmpty()) return false;
        job.begin(DecodeJob.Kind.DRAIN, false);
        PictureFormat format = formats.stream();
        if (format != null && capturesNow()) lend(format);
        drainBegins();
        flush = true; // a drained decoder begins anew
        return true;
    }

    @Override
    void take(boolean unwanted) {
        spares.clear();
        repeat = job.repeats() && !unwanted && input() != null;
        unitFailed |= job.unitFailed() && job.kind() == DecodeJob.Kind.DECODE;
        for (int i = job.outcomes().size() - 1; i >= 0; i--) {
            Outcome outcome = job.outcomes().get(i);
            // What was delivered comes before what still waits.
            if (!unwanted && !(outcome instanceof MediaBuffer buffer && !keep(buffer))) outcomes.addFirst(outcome);
            if (unwanted) drop(outcome);
        }
    }

    /** A picture is in a CAPTURE buffer, unless the client has taken that back. */
    private boolean keep(MediaBuffer buffer) {
        return buffer.isLent() && capture().queued().remove(buffer);
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
                // The drain was given up, or the stream that ends was left.
            }
        }
    }

    @Override
    void settle() {
        sendDueLast();
        boolean lastSent = false;
        while (spares.isEmpty() && !isLastDue() && !outcomes.isEmpty() && !(outcomes.peek() instanceof Spare)) {
            switch (outcomes.remove()) {
                case MediaBuffer buffer -> {
                    lastSent = endsStretch(outcomes.peek());
                    // Before the last picture, so that its client does not take that for the end.
                    if (lastSent) events.signal(V4l2.EVENT_SOURCE_CHANGE, 0, V4l2.CHANGED_RESOLUTION);
                    captured(buffer, formats.sizes(buffer.type()), lastSent);
                }
                case Outcome.FormatChange change -> {
                    changeFormat(change, lastSent);
                    lastSent = false;
                }
                case Outcome.End end -> {
                    if (end == Outcome.End.MARKED && !isDraining()) drainUnasked();
                    if (isDrained()) setLastDue(true);
                    lastSent = false;
                }
                case Spare spare -> throw new IllegalStateException("a spare picture is delivered by a job");
            }
            sendDueLast();
        }
        if (outcomes.isEmpty() && !isLastDue() && !isRunning() && !repeat) returnInput(unitFailed);
    }

    /**
     * Whether the picture before is marked as the last. Not at the end of a drain, which an empty buffer tells, as with most hardware: a
     * client that polls after it has got a last picture needs another wake-up, and not each driver's poll gives it one.
     */
    private boolean endsStretch(@Nullable Outcome next) {
        return next instanceof Outcome.FormatChange change && !change.format().equals(formats.stream());
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
        if (!capture().isStreaming() || (first && before.isSame(formats.layout()))) return;
        awaitsSetup = true;
        setLastDue(!lastSent);
    }

    private void sendDueLast() {
        if (sendLast() && isDraining() && !awaitsSetup) endDrain();
    }

    private void captured(MediaBuffer buffer, long[] used, boolean isLast) {
        for (int i = 0; i < buffer.planes(); i++) buffer.setUsed(i, i < used.length ? used[i] : 0, 0);
        if (buffer.bytesUsed(0) > 0) marks.mark(buffer);
        give(buffer, isLast);
    }

    // ---- what the client does

    @Override
    int streamOn(BufferQueue queue) {
        int failed = super.streamOn(queue);
        if (failed == 0 && queue == capture()) awaitsSetup = false;
        return failed;
    }

    @Override
    void left(BufferQueue queue, boolean was) {
        if (queue == output()) leaveStream();
        else leaveCapture();
    }

    /** A seek, or the end. */
    private void leaveStream() {
        leaveInput();
        repeat = false;
        flush = true;
        if (isDraining() && !awaitsSetup) setLastDue(false);
        giveUpDrain();
        for (Outcome left = outcomes.poll(); left != null; left = outcomes.poll()) drop(left);
    }

    private void leaveCapture() {
        setLastDue(false);
        awaitsSetup = false;
        giveUpDrain();
    }

    @Override
    void beginAnew() {
        super.beginAnew();
        formats.forgetStream();
    }

    @Override
    void startAgain() {
        if (capture().isStreaming()) awaitsSetup = false;
    }

    /** Pictures that wait are not delivered. */
    @Override
    void drop() {
        for (Outcome left = outcomes.poll(); left != null; left = outcomes.poll()) {
            if (left instanceof Spare spare) job.recycle(spare);
        }
    }
}
