package sluice.vdev.grabber;

import java.lang.foreign.MemorySegment;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.FunctionContext;
import sluice.vdev.video.FrameSource;

/** Writes the fields of a source's pictures to the guest: even lines first, then odd lines. */
final class Capture {
    /** Size of a picture. */
    record Format(int width, int height) {
        static final Format HZ_50 = new Format(768, 576);
        static final Format HZ_60 = new Format(640, 480);
    }

    /** The outcome of a field. */
    enum Field {
        WRITTEN,
        /** An address was not writable. */
        ADDRESS_ERROR
    }

    private static final Logger LOG = LoggerFactory.getLogger(Capture.class);

    private final FrameSource source;
    private final byte[] picture = new byte[Format.HZ_50.width() * Format.HZ_50.height()];
    private final MemorySegment bytes = MemorySegment.ofArray(picture);
    private Format format = Format.HZ_50;
    private long next;
    private boolean saidOnlyLater;

    Capture(FrameSource source) {
        this.source = source;
    }

    /** Begins the next picture, in this format. */
    void begin(Format chosen) {
        format = chosen;
        source.fill(next, format.width(), format.height(), picture);
        next++;
    }

    /** That of the picture begun last. */
    Format format() {
        return format;
    }

    /** Number of pictures begun. */
    long frames() {
        return next;
    }

    /**
     * Writes every second line of the current picture.
     *
     * @param first the field's first line, 0 or 1
     * @param address on the bus, of that line's first pixel
     * @param gap bytes between the end of a line and the next one of the field
     */
    Field write(FunctionContext context, int first, long address, long gap) {
        long at = address;
        for (int line = first; line < format.height(); line += 2) {
            FunctionContext.Dma outcome = context.write(at, bytes, (long) line * format.width(), format.width());
            if (outcome != FunctionContext.Dma.DONE) return failed(outcome, at);
            at += format.width() + gap;
        }
        return Field.WRITTEN;
    }

    private Field failed(FunctionContext.Dma outcome, long at) {
        if (outcome == FunctionContext.Dma.ONLY_LATER && !saidOnlyLater) {
            saidOnlyLater = true;
            LOG.error("""
                    the grabber cannot write its pictures at 0x{}: that memory is in no file it could map. Give the VM \
                    shared memory, for example -object memory-backend-memfd,id=mem,size=1G,share=on with \
                    -machine memory-backend=mem""", Long.toHexString(at));
        }
        return Field.ADDRESS_ERROR;
    }

    /** Restarts with picture 0. */
    void reset() {
        next = 0;
    }
}
