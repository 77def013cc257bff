package sluice.vdev.media;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.budget.Share;
import sluice.dmacore.linux.Errno;

/** An open session: what an open file is to a V4L2 driver. Used on the device's loop. */
final class Session {
    private final int id;
    private final Views views;
    private final BufferQueue output;
    private final BufferQueue capture;
    private final SessionFormats formats;
    private final Controls controls;
    private final SessionEvents events;
    private final CodecJob job;
    private final CodecStream stream;
    private final boolean encodes;
    private boolean broken;
    private boolean closed;

    private Session(int id, Views views, BufferQueue output, BufferQueue capture, SessionFormats formats,
            Controls controls, SessionEvents events, CodecJob job, CodecStream stream, boolean encodes) {
        this.id = id;
        this.views = views;
        this.output = output;
        this.capture = capture;
        this.formats = formats;
        this.controls = controls;
        this.events = events;
        this.job = job;
        this.stream = stream;
        this.encodes = encodes;
    }

    static Session decoder(int id, Views views, List<CodedFormat> coded, Controls controls, FrameArena arena,
            Share share, GuestBuffers guest) {
        BufferQueue output = new BufferQueue(V4l2.BUF_TYPE_OUTPUT_MPLANE, arena, share, guest);
        BufferQueue capture = new BufferQueue(V4l2.BUF_TYPE_CAPTURE_MPLANE, arena, share, guest);
        Formats formats = new Formats(coded);
        SessionEvents events = new SessionEvents(id, controls, /* sourceChanges= */ true);
        DecodeJob job = new DecodeJob(share);
        return new Session(id, views, output, capture, formats, controls, events, job,
                new Decoding(output, capture, formats, controls, events, job), false);
    }

    static Session encoder(int id, Views views, List<EncodedFormat> coded, Controls controls, FrameArena arena,
            Share share, GuestBuffers guest) {
        BufferQueue output = new BufferQueue(V4l2.BUF_TYPE_OUTPUT_MPLANE, arena, share, guest);
        BufferQueue capture = new BufferQueue(V4l2.BUF_TYPE_CAPTURE_MPLANE, arena, share, guest);
        EncoderFormats formats = new EncoderFormats(coded);
        SessionEvents events = new SessionEvents(id, controls, /* sourceChanges= */ false);
        EncodeJob job = new EncodeJob();
        return new Session(id, views, output, capture, formats, controls, events, job,
                new Encoding(output, capture, formats, controls, events, job), true);
    }

    int id() {
        return id;
    }

    SessionEvents events() {
        return events;
    }

    CodecJob job() {
        return job;
    }

    CodecStream stream() {
        return stream;
    }

    /** Whether its driver was told that it cannot be used any more. */
    boolean isBroken() {
        return broken;
    }

    boolean isClosed() {
        return closed;
    }

    FrameArena.@Nullable Range rangeAt(long offset) {
        FrameArena.Range range = output.rangeAt(offset);
        return range == null ? capture.rangeAt(offset) : range;
    }

    /** The decoder is beyond use: the driver is told, and all further commands fail. */
    void fail(int errno) {
        if (broken) return;
        broken = true;
        release();
        events.fail(errno);
    }

    /** The driver has closed it. */
    void close() {
        closed = true;
        release();
    }

    private void release() {
        stream.close();
        output.streamOff();
        capture.streamOff();
        output.releaseAll();
        capture.releaseAll();
    }

    private @Nullable BufferQueue queue(int type) {
        return switch (type) {
            case V4l2.BUF_TYPE_OUTPUT_MPLANE -> output;
            case V4l2.BUF_TYPE_CAPTURE_MPLANE -> capture;
            default -> null;
        };
    }

    /**
     * Carries an ioctl out; its structure is complete.
     *
     * @return 0, an errno, or {@link BufferQueue#RETRY}
     */
    int execute(Ioctl ioctl) {
        if (broken) return Errno.EIO;
        return switch (ioctl) {
            case ENUM_FMT -> formats.enumerate(views.fmtDesc);
            case ENUM_FRAMESIZES -> formats.enumerate(views.frameSize);
            case G_FMT -> queue(views.format.type()) == null ? Errno.EINVAL : formats.get(views.format);
            case TRY_FMT -> queue(views.format.type()) == null ? Errno.EINVAL : formats.tryFormat(views.format, false);
            case S_FMT -> setFormat(views.format);
            case REQBUFS -> requestBuffers(views.requestBuffers);
            case CREATE_BUFS -> createBuffers(views.createBuffers);
            case REMOVE_BUFS -> removeBuffers(views.removeBuffers);
            case QUERYBUF -> queryBuffer(views.buffer);
            case PREPARE_BUF -> queueBuffer(views.buffer, true);
            case QBUF -> queueBuffer(views.buffer, false);
            case EXPBUF -> exportBuffer(views.exportBuffer);
            case STREAMON -> switchStream(queue(views.number()), true);
            case STREAMOFF -> switchStream(queue(views.number()), false);
            case G_CTRL -> controls.get(views.control);
            case S_CTRL -> controls.set(views.control);
            case QUERYCTRL -> controls.query(views.queryControl);
            case QUERY_EXT_CTRL -> controls.query(views.queryExtControl);
            case QUERYMENU -> controls.query(views.queryMenu);
            case G_EXT_CTRLS -> controls.get(views.extControls);
            case S_EXT_CTRLS -> controls.trySet(views.extControls, true);
            case TRY_EXT_CTRLS -> controls.trySet(views.extControls, false);
            case SUBSCRIBE_EVENT -> events.subscribe(views.subscription);
            case UNSUBSCRIBE_EVENT -> events.unsubscribe(views.subscription);
            case G_SELECTION -> formats.select(views.selection, false);
            case S_SELECTION -> formats.select(views.selection, true);
            case G_PARM -> formats.parameters(views.parameters, false);
            case S_PARM -> formats.parameters(views.parameters, true);
            case DECODER_CMD -> encodes ? Errno.ENOTTY : command(views.decoderCommand, false);
            case TRY_DECODER_CMD -> encodes ? Errno.ENOTTY : command(views.decoderCommand, true);
            case ENCODER_CMD -> encodes ? command(views.encoderCommand, false) : Errno.ENOTTY;
            case TRY_ENCODER_CMD -> encodes ? command(views.encoderCommand, true) : Errno.ENOTTY;
        };
    }

    private int setFormat(Struct.Format format) {
        BufferQueue queue = queue(format.type());
        if (queue == null) return Errno.EINVAL;
        // A decoder's coded format governs its raw one, so both must be free.
        if (queue.isBusy() || (!encodes && queue == output && capture.isBusy())) return Errno.EBUSY;
        return formats.tryFormat(format, true);
    }

    private int requestBuffers(Struct.RequestBuffers request) {
        BufferQueue queue = queue(request.type());
        if (queue == null) return Errno.EINVAL;
        int failed = queue.request(request, formats.sizes(request.type()));
        if (failed == 0 && queue == output && !queue.isBusy()) stream.beginAnew();
        return failed;
    }

    private int createBuffers(Struct.CreateBuffers request) {
        BufferQueue queue = queue(request.format().type());
        if (queue == null) return Errno.EINVAL;
        long[] sizes = formats.sizes(request.format());
        // To create no buffers asks for what is possible, with any format.
        if (request.count() == 0) sizes = new long[0];
        return sizes == null ? Errno.EINVAL : queue.create(request, sizes);
    }

    private int removeBuffers(Struct.RemoveBuffers request) {
        BufferQueue queue = queue(request.type());
        return queue == null ? Errno.EINVAL : queue.remove(request);
    }

    private int exportBuffer(Struct.ExportBuffer request) {
        BufferQueue queue = queue(request.type());
        return queue == null ? Errno.EINVAL : queue.export(request);
    }

    private int queryBuffer(Struct.Buffer query) {
        BufferQueue queue = queue(query.type());
        return queue == null ? Errno.EINVAL : queue.query(query);
    }

    private int queueBuffer(Struct.Buffer given, boolean onlyPrepare) {
        BufferQueue queue = queue(given.type());
        if (queue == null) return Errno.EINVAL;
        long[] least = (queue == output) == encodes ? formats.sizes(given.type()) : new long[1];
        int failed = onlyPrepare ? queue.prepare(given, least) : queue.queue(given, least);
        if (failed == 0) stream.settle();
        return failed;
    }

    private int switchStream(@Nullable BufferQueue queue, boolean on) {
        if (queue == null) return Errno.EINVAL;
        int failed = 0;
        if (on) failed = stream.streamOn(queue);
        else stream.streamOff(queue);
        stream.settle();
        return failed;
    }

    private int command(Struct.CodecCommand given, boolean onlyTry) {
        int failed = stream.command(given, onlyTry);
        stream.settle();
        return failed;
    }
}
