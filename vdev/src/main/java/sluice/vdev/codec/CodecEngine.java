package sluice.vdev.codec;

import java.util.Set;

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
     * Makes a decoder. Its pictures have the format that the stream and the library give.
     *
     * @throws CodecException the library cannot be loaded, or does not decode it
     */
    Decoder decoder(Coding coding) throws CodecException;
}
