package sluice.vdev.rfb;

import java.util.ArrayList;
import java.util.List;

/**
 * Numbers of security types (RFC 6143 §7.1.2), and of sub-types of VeNCrypt (the community's rfbproto.rst). Those of anonymous
 * TLS are not offered: whoever is in the middle could read all, and Java has them switched off.
 */
final class SecurityType {
    static final int INVALID = 0;
    static final int NONE = 1;
    static final int VNC = 2;
    static final int VENCRYPT = 19;
    static final int X509_NONE = 260;
    static final int X509_VNC = 261;
    static final int X509_PLAIN = 262;

    private SecurityType() {}

    /** The one type that a server offers. */
    static int of(RfbSecurity security) {
        if (security.certificate() != null) return VENCRYPT;
        return security.password() == null ? NONE : VNC;
    }

    /** The sub-types that it offers, what it likes best first. */
    static List<Integer> ofVeNCrypt(RfbSecurity security) {
        List<Integer> types = new ArrayList<>();
        if (security.token() != null) types.add(X509_PLAIN);
        if (security.password() != null) types.add(X509_VNC);
        return types.isEmpty() ? List.of(X509_NONE) : types;
    }
}
