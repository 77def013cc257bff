package sluice.vdev.media;

import java.util.ArrayDeque;
import java.util.Deque;

import sluice.vdev.codec.EncoderSettings;

/**
 * The stream of an encoding session (dev-encoder.rst): raw pictures on OUTPUT, coded ones on CAPTURE. A picture is encoded while
 * no coded one waits for a CAPTURE buffer. Used on the device's loop.
 */
final class Encoding extends CodecStream {
    private final EncoderFormats formats;
    private final Controls controls;
    private final EncodeJob job;
    private final UnitMarks marks = new UnitMarks();
    private final Deque<EncodeJob.Packet> packets = new ArrayDeque<>();
    /** The next picture begins another stream. */
    private boolean anew;

    Encoding(BufferQueue output, BufferQueue capture, EncoderFormats formats, Controls controls, SessionEvents events,
            EncodeJob job) {
        super(output, capture, events, job);
        this.formats = formats;
        this.controls = controls;
        this.job = job;
    }

    // ---- work

    @Override
    boolean prepareNext() {
        if (!capture().isStreaming() || isLastDue() || capture().queued().isEmpty()) return false;
        if (!prepareDelivery() && !preparePicture() && !prepareDrain()) return false;
        job.lend(capture().queued());
        return true;
    }

    private boolean prepareDelivery() {
        if (packets.isEmpty()) return false;
        job.deliver(packets);
        packets.clear();
        return true;
    }

    private boolean preparePicture() {
        if (input() != null || !takesInput()) return false;
        MediaBuffer next = nextInput();
        if (next == null) return false;
        marks.keep(next);
        EncoderSettings settings = EncoderControls.settings(formats, controls);
        job.encode(next, formats.layout(), formats.coded(), settings, EncoderControls.takeKey(controls), anew);
        anew = false;
        return true;
    }

    private boolean prepareDrain() {
        if (!isDrainDue()) return false;
        job.drain();
        drainBegins();
        return true;
    }

    @Override
    void take(boolean unwanted) {
        if (unwanted) return;
        for (MediaBuffer buffer : job.filled()) {
            if (!buffer.isLent() || !capture().queued().remove(buffer)) continue;
            marks.mark(buffer);
            give(buffer, false);
        }
        packets.addAll(job.waiting());
        returnInput(job.pictureFailed());
    }

    @Override
    void settle() {
        if (isDrained() && !isRunning() && packets.isEmpty()) setLastDue(true);
        if (sendLast()) endDrain();
    }

    // ---- what the client does

    /** Without CAPTURE, the encoder begins anew; pictures that are queued stay. */
    @Override
    void left(BufferQueue queue, boolean was) {
        if (!was) return;
        giveUpDrain();
        setLastDue(false);
        anew = true;
        packets.clear();
        // Of CAPTURE: what the job makes of its picture is of the stream before; the picture goes back.
        if (queue == output()) leaveInput();
        else leaveJob();
    }

    @Override
    void startAgain() {
        // The encoder goes on by itself.
    }

    @Override
    void drop() {
        packets.clear();
    }
}
