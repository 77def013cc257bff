package sluice.vdev.codec;

import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * A codec library. Found by {@link java.util.ServiceLoader}: its class is public, has a public constructor without
 * parameters that loads nothing, and is named in {@code META-INF/services/sluice.vdev.codec.CodecEngine}.
 */
public interface CodecEngine {
    /** The library and its version, for logs; loads it. */
    String name() throws CodecException;

    /** What it encodes. */
    Set<Coding> encodes();

    /** What it decodes. */
    Set<Coding> decodes();

    /**
     * Makes an encoder.
     *
     * @throws CodecException the library cannot be loaded, or refuses the settings
     */
    Encoder encoder(EncoderSettings settings) throws CodecException;

    /**
     * Makes a decoder, whose pictures have the format that the stream and the library give.
     *
     * @param memory where its pictures of {@link PixelFormat#YU12} are to be; null for the library's own
     * @throws CodecException the library cannot be loaded, or does not decode it
     */
    Decoder decoder(Coding coding, @Nullable PictureMemory memory) throws CodecException;

    /** Makes a decoder with pictures in the library's own memory. */
    default Decoder decoder(Coding coding) throws CodecException {
        return decoder(coding, null);
    }
}
