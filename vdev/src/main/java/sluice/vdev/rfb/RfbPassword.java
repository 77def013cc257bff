package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

/** What a viewer must know: a password, or nothing. */
public final class RfbPassword {
    /** Whoever can connect may look and type. */
    public static final RfbPassword NONE = new RfbPassword(null);

    private final @Nullable VncAuthentication authentication;

    private RfbPassword(@Nullable VncAuthentication authentication) {
        this.authentication = authentication;
    }

    /**
     * The password in a file, 1 to 8 bytes; a line feed at the end does not count.
     *
     * @throws IOException the file cannot be read or has no such password; the message is a sentence
     */
    public static RfbPassword of(Path file) throws IOException {
        return new RfbPassword(VncAuthentication.of(file));
    }

    @Nullable
    VncAuthentication authentication() {
        return authentication;
    }
}
