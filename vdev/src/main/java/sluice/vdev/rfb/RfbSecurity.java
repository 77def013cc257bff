package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;

import sluice.vdev.io.AccessToken;
import sluice.vdev.io.TlsCertificate;

/** What viewers must know, and whether they are encrypted: a password, a token over TLS, either of both, or nothing. */
public final class RfbSecurity {
    /** Whoever can connect may look and type. */
    public static final RfbSecurity NONE = new RfbSecurity(null, null, null);

    private final @Nullable VncAuthentication password;
    private final @Nullable AccessToken token;
    private final @Nullable TlsCertificate certificate;

    private RfbSecurity(@Nullable VncAuthentication password, @Nullable AccessToken token,
            @Nullable TlsCertificate certificate) {
        this.password = password;
        this.token = token;
        this.certificate = certificate;
    }

    /**
     * With the password in a file, 1 to 8 bytes; a line feed at the end does not count.
     *
     * @throws IOException the file cannot be read or has no such password; the message is a sentence
     */
    public RfbSecurity withPassword(Path file) throws IOException {
        return new RfbSecurity(VncAuthentication.of(file), token, certificate);
    }

    /** Viewers must use TLS, by VeNCrypt. */
    public RfbSecurity withTls(TlsCertificate server) {
        return new RfbSecurity(password, token, server);
    }

    /**
     * With a token, which viewers give as the password of any user, over TLS only: they send it as it is.
     *
     * @throws IllegalStateException there is no TLS
     */
    public RfbSecurity withToken(AccessToken secret) {
        if (certificate == null) throw new IllegalStateException("a token needs TLS");
        return new RfbSecurity(password, secret, certificate);
    }

    @Nullable
    VncAuthentication password() {
        return password;
    }

    @Nullable
    AccessToken token() {
        return token;
    }

    @Nullable
    TlsCertificate certificate() {
        return certificate;
    }
}
