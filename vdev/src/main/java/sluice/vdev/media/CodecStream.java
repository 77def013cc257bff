package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;

/**
 * The stream of a session through its two queues: which work comes next, and what its results mean for buffers and events. What is the
 * same for decoders and encoders is here: one job at a time, the OUTPUT buffer at work, CAPTURE buffers that go back in order, and the
 * drain (dev-decoder.rst, dev-encoder.rst). On the device's loop.
 */
abstract class CodecStream {
    private final BufferQueue output;
    private final BufferQueue capture;
    private final SessionEvents events;
    private final CodecJob job;
    /** The OUTPUT buffer at work: it goes back when what was made of it has. */
    private @Nullable MediaBuffer input;
    private boolean running;
    /** The result of the running job is of a stream that was left. */
    private boolean discard;
    /** STOP was received, and the last CAPTURE buffer is not out yet. */
    private boolean draining;
    /** OUTPUT buffers to be worked on before the drain. */
    private int beforeDrain;
    /** The codec was told to end its stream. */
    private boolean drained;
    /** The last CAPTURE buffer is out: nothing is done until the client starts again. */
    private boolean stopped;
    /** The next CAPTURE buffer goes back empty, as the last of a stream. */
    private boolean lastDue;
    private int outputSequence;
    private int captureSequence;
    private long pictures;

    CodecStream(BufferQueue output, BufferQueue capture, SessionEvents events, CodecJob job) {
        this.output = output;
        this.capture = capture;
        this.events = events;
        this.job = job;
    }

    // ---- what is different

    /** Prepares the job that comes next, while none runs; false if there is nothing to be done now. */
    abstract boolean prepareNext();

    /**
     * Takes what the job has made, which has not failed.
     *
     * @param unwanted whether it is of a stream that was left
     */
    abstract void take(boolean unwanted);

    /** Does what can be done with results now. */
    abstract void settle();

    /** A queue does not stream any more; {@code was} says whether it did. */
    abstract void left(BufferQueue queue, boolean was);

    /** The client starts again after a drain. */
    abstract void startAgain();

    /** The session ends: results that wait are not wanted. */
    abstract void drop();

    // ---- jobs

    /** Prepares the job that comes next; false if there is nothing to be done now. */
    final boolean prepare() {
        if (running || !prepareNext()) return false;
        running = true;
        discard = false;
        return true;
    }

    /**
     * The job is done.
     *
     * @return what is wrong with the codec, or null
     */
    final @Nullable Throwable finished() {
        running = false;
        job.letGo();
        Throwable failure = job.failure();
        if (failure != null) return failure;
        take(discard);
        settle();
        return null;
    }

    final boolean isRunning() {
        return running;
    }

    // ---- OUTPUT buffers

    final BufferQueue output() {
        return output;
    }

    final @Nullable MediaBuffer input() {
        return input;
    }

    /** Whether another OUTPUT buffer may be worked on, or the same once more. */
    final boolean takesInput() {
        return !stopped && output.isStreaming() && !(draining && beforeDrain == 0);
    }

    /** Takes the next OUTPUT buffer to work on it, or null. */
    final @Nullable MediaBuffer nextInput() {
        MediaBuffer next = output.queued().poll();
        input = next;
        return next;
    }

    /** Gives the OUTPUT buffer at work back, if there is one. */
    final void returnInput(boolean failed) {
        MediaBuffer buffer = input;
        if (buffer == null) return;
        input = null;
        if (beforeDrain > 0) beforeDrain--;
        buffer.setFlags(failed ? V4l2.BUF_ERROR : 0);
        buffer.setSequence(outputSequence++);
        buffer.takeBack();
        events.done(buffer);
    }

    /** The running job, and the buffer that it works on, are of a stream that is left. */
    final void leaveInput() {
        discard = running;
        input = null;
    }

    /** The same, but the buffer goes back. */
    final void leaveJob() {
        if (!running) return;
        discard = true;
        returnInput(false);
    }

    // ---- CAPTURE buffers

    final BufferQueue capture() {
        return capture;
    }

    /** Gives a CAPTURE buffer back, whose planes say how much of them is used. */
    final void give(MediaBuffer buffer, boolean isLast) {
        if (isLast) buffer.setFlags(buffer.flags() | V4l2.BUF_LAST);
        buffer.setSequence(captureSequence++);
        if (buffer.bytesUsed(0) > 0) pictures++;
        buffer.takeBack();
        events.done(buffer);
    }

    /** CAPTURE buffers that were given back with something in them. */
    final long pictures() {
        return pictures;
    }

    final boolean isLastDue() {
        return lastDue;
    }

    /** The next CAPTURE buffer goes back empty, as the last, or does not. */
    final void setLastDue(boolean due) {
        lastDue = due;
    }

    /** Gives an empty CAPTURE buffer back as the last, if that is due and there is one, best one that no codec keeps; true if it did. */
    final boolean sendLast() {
        if (!lastDue || !capture.isStreaming()) return false;
        MediaBuffer buffer = capture.free();
        if (buffer == null) buffer = capture.queued().peek();
        if (buffer == null) return false;
        capture.queued().remove(buffer);
        lastDue = false;
        buffer.setFlags(0);
        for (int i = 0; i < buffer.planes(); i++) buffer.setUsed(i, 0, 0);
        give(buffer, true);
        return true;
    }

    // ---- the drain

    final boolean isDraining() {
        return draining;
    }

    /** Whether the codec has been told to end its stream, in a drain that is not complete. */
    final boolean isDrained() {
        return draining && drained;
    }

    /** Whether it is time to tell the codec to end its stream. */
    final boolean isDrainDue() {
        return draining && beforeDrain == 0 && !drained && input == null;
    }

    /** A job that ends the codec's stream was prepared. */
    final void drainBegins() {
        drained = true;
    }

    /** The stream has ended by itself: a drain that nobody has asked for, of which only the last CAPTURE buffer is missing. */
    final void drainUnasked() {
        draining = true;
        drained = true;
        beforeDrain = 0;
    }

    /** The last CAPTURE buffer is out. */
    final void endDrain() {
        draining = false;
        drained = false;
        lastDue = false;
        stopped = true;
        events.signal(V4l2.EVENT_EOS, 0, 0);
    }

    /** There is no drain any more, and what was drained goes on; a last buffer that is due stays so. */
    final void giveUpDrain() {
        draining = false;
        drained = false;
        beforeDrain = 0;
        stopped = false;
    }

    // ---- what the client does

    /** STREAMON: 0 or an errno. */
    int streamOn(BufferQueue queue) {
        return queue.streamOn();
    }

    final void streamOff(BufferQueue queue) {
        boolean was = queue.isStreaming();
        queue.streamOff();
        events.forget(queue == output ? V4l2.BUF_TYPE_OUTPUT_MPLANE : V4l2.BUF_TYPE_CAPTURE_MPLANE);
        left(queue, was);
    }

    /** The client has no OUTPUT buffers any more, and begins with another stream. */
    void beginAnew() {
        outputSequence = 0;
        captureSequence = 0;
    }

    /** DECODER_CMD and ENCODER_CMD, whose structures begin alike and have the same numbers: 0 or an errno. */
    final int command(Struct.CodecCommand command, boolean onlyTry) {
        int which = command.command();
        if (which != V4l2.CMD_START && which != V4l2.CMD_STOP) return Errno.EINVAL;
        command.clearRest();
        if (onlyTry) return 0;
        return which == V4l2.CMD_START ? start() : stop();
    }

    private int start() {
        if (draining || lastDue) return Errno.EBUSY;
        stopped = false;
        startAgain();
        return 0;
    }

    private int stop() {
        if (!output.isStreaming() || !capture.isStreaming()) return 0;
        if (draining) return Errno.EBUSY;
        if (stopped) return 0;
        draining = true;
        drained = false;
        beforeDrain = output.queued().size() + (input == null ? 0 : 1);
        return 0;
    }

    /** The session ends. */
    final void close() {
        drop();
        leaveInput();
    }
}
