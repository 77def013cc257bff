package sluice.vdev.codec;

import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.Predicate;

/** The engines on the class path. */
public final class Engines {
    private Engines() {}

    /**
     * The first engine that encodes {@code coding}; empty if none is there.
     *
     * @throws CodecException one is there, and cannot be used
     */
    public static Optional<CodecEngine> encoding(Coding coding) throws CodecException {
        return first(engine -> engine.encodes().contains(coding));
    }

    /**
     * The first engine that decodes {@code coding}; empty if none is there.
     *
     * @throws CodecException one is there, and cannot be used
     */
    public static Optional<CodecEngine> decoding(Coding coding) throws CodecException {
        return first(engine -> engine.decodes().contains(coding));
    }

    private static Optional<CodecEngine> first(Predicate<CodecEngine> wanted) throws CodecException {
        try {
            return ServiceLoader.load(CodecEngine.class).stream().map(ServiceLoader.Provider::get).filter(wanted)
                    .findFirst();
        } catch (ServiceConfigurationError e) {
            throw new CodecException("a codec engine on the class path cannot be used: " + e.getMessage(), e);
        }
    }
}
