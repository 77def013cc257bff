package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.EncoderSettings;

/**
 * The stream of an encoding session (dev-encoder.rst): raw pictures on OUTPUT, coded ones on CAPTURE. A picture is encoded while
 * no coded one waits for a CAPTURE buffer. Used on the device's loop.
 */
final class Encoding implements CodecStream {
    private final BufferQueue output;
    private final BufferQueue capture;
    private final EncoderFormats formats;
    private final Controls controls;
    private final SessionEvents events;
    private final EncodeJob job;
    private final Deque<EncodeJob.Packet> packets = new ArrayDeque<>();
    private @Nullable MediaBuffer picture;
    private boolean running;
    /** The result of the running job is of a stream that was left. */
    private boolean discard;
    /** The next picture begins another stream. */
    private boolean anew;
    private boolean draining;
    private int beforeDrain;
    private boolean drained;
    /** The last coded picture is out: nothing is encoded until the client starts again. */
    private boolean stopped;
    private boolean lastDue;
    private int outputSequence;
    private int captureSequence;
    private long pictures;

    Encoding(BufferQueue output, BufferQueue capture, EncoderFormats formats, Controls controls, SessionEvents events,
            EncodeJob job) {
        this.output = output;
        this.capture = capture;
        this.formats = formats;
        this.controls = controls;
        this.events = events;
        this.job = job;
    }

    @Override
    public long pictures() {
        return pictures;
    }

    @Override
    public boolean prepare() {
        if (running || !(prepareDelivery() || preparePicture() || prepareDrain())) return false;
        running = true;
        discard = false;
        return true;
    }

    private boolean canCapture() {
        return capture.isStreaming() && !lastDue && !capture.queued().isEmpty();
    }

    private boolean prepareDelivery() {
        if (packets.isEmpty() || !canCapture()) return false;
        job.deliver(packets);
        packets.clear();
        job.lend(capture.queued());
        return true;
    }

    private boolean preparePicture() {
        if (!packets.isEmpty() || picture != null || stopped || !output.isStreaming() || !canCapture()) return false;
        if (draining && beforeDrain == 0) return false;
        MediaBuffer next = output.queued().poll();
        if (next == null) return false;
        picture = next;
        EncoderSettings settings = EncoderControls.settings(formats, controls);
        job.encode(next, formats.layout(), formats.coded(), settings, EncoderControls.takeKey(controls), anew);
        anew = false;
        job.lend(capture.queued());
        return true;
    }

    private boolean prepareDrain() {
        if (!draining || beforeDrain > 0 || drained || !packets.isEmpty() || picture != null || !canCapture())
            return false;
        job.drain();
        job.lend(capture.queued());
        drained = true;
        return true;
    }

    @Override
    public @Nullable Throwable finished() {
        running = false;
        job.letGo();
        if (job.failure() != null) return job.failure();
        if (!discard) {
            // The last packet's buffer ends the stream only if there is none left to be the end, as with a decoder.
            boolean ends = job.isDrain() && job.waiting().isEmpty()
                    && capture.queued().size() == job.filled().size();
            for (int i = 0; i < job.filled().size(); i++) {
                MediaBuffer buffer = job.filled().get(i);
                if (!buffer.isLent() || !capture.queued().remove(buffer)) continue;
                captured(buffer, ends && draining && i == job.filled().size() - 1);
            }
            packets.addAll(job.waiting());
            if (picture != null) returnPicture(picture, job.pictureFailed());
        }
        settle();
        return null;
    }

    private void captured(MediaBuffer buffer, boolean isLast) {
        if (isLast) buffer.setFlags(buffer.flags() | V4l2.BUF_LAST);
        buffer.setSequence(captureSequence++);
        if (buffer.bytesUsed(0) > 0) pictures++;
        buffer.takeBack();
        events.done(buffer);
        if (isLast) endDrain();
    }

    private void returnPicture(MediaBuffer buffer, boolean failed) {
        picture = null;
        if (beforeDrain > 0) beforeDrain--;
        buffer.setFlags(failed ? V4l2.BUF_ERROR : 0);
        buffer.setSequence(outputSequence++);
        buffer.takeBack();
        events.done(buffer);
    }

    @Override
    public void settle() {
        if (draining && drained && !running && packets.isEmpty()) lastDue = true;
        MediaBuffer buffer = lastDue && capture.isStreaming() ? capture.queued().poll() : null;
        if (buffer == null) return;
        lastDue = false;
        buffer.setFlags(0);
        buffer.setUsed(0, 0, 0);
        captured(buffer, true);
    }

    private void endDrain() {
        draining = false;
        drained = false;
        lastDue = false;
        stopped = true;
        events.signal(V4l2.EVENT_EOS, 0, 0);
    }

    // ---- what the client does

    @Override
    public int streamOn(BufferQueue queue) {
        return queue.streamOn();
    }

    /** Without CAPTURE, the encoder begins anew; pictures that are queued stay. */
    @Override
    public void streamOff(BufferQueue queue) {
        boolean was = queue.isStreaming();
        queue.streamOff();
        events.forget(queue == output ? V4l2.BUF_TYPE_OUTPUT_MPLANE : V4l2.BUF_TYPE_CAPTURE_MPLANE);
        if (!was) return;
        draining = false;
        drained = false;
        beforeDrain = 0;
        lastDue = false;
        stopped = false;
        anew = true;
        packets.clear();
        if (queue == output) {
            discard = running;
            picture = null;
        } else if (running) {
            // What the job makes of its picture is of the stream before; the picture goes back.
            discard = true;
            if (picture != null) returnPicture(picture, false);
        }
    }

    @Override
    public void beginAnew() {
        outputSequence = 0;
        captureSequence = 0;
    }

    @Override
    public int command(Struct.CodecCommand command, boolean onlyTry) {
        int which = command.command();
        if (which != V4l2.ENC_CMD_START && which != V4l2.ENC_CMD_STOP) return Errno.EINVAL;
        command.clearRest();
        if (onlyTry) return 0;
        if (which == V4l2.ENC_CMD_START) {
            if (draining) return Errno.EBUSY;
            stopped = false;
            return 0;
        }
        if (!output.isStreaming() || !capture.isStreaming()) return 0;
        if (draining) return Errno.EBUSY;
        if (stopped) return 0;
        draining = true;
        drained = false;
        beforeDrain = output.queued().size() + (picture == null ? 0 : 1);
        return 0;
    }

    @Override
    public void close() {
        packets.clear();
        discard = running;
        picture = null;
    }
}
