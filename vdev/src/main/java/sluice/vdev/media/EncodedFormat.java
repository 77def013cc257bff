package sluice.vdev.media;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.plain.PlainEncoder;

/**
 * A format of coded video that an encoder makes.
 *
 * @param format as a decoder has it: number and name
 * @param coding whose rules settings obey; for the test coding any
 * @param opener makes encoders
 */
public record EncodedFormat(CodedFormat format, Coding coding, Opener opener) {
    /** Makes encoders; on a worker. */
    @FunctionalInterface
    public interface Opener {
        /** @throws CodecException the library cannot be loaded, or refuses the settings */
        Encoder open(EncoderSettings settings) throws CodecException;
    }

    /** What an engine encodes. */
    public static EncodedFormat of(Coding coding, CodecEngine engine) {
        return new EncodedFormat(CodedFormat.of(coding, engine), coding, engine::encoder);
    }

    /** Sluice's own coding for tests, whose pictures are not compressed. */
    public static EncodedFormat plain() {
        return new EncodedFormat(CodedFormat.plain(), Coding.MJPEG, settings -> new PlainEncoder(settings.format()));
    }

    int fourcc() {
        return format.fourcc();
    }
}
