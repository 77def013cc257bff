package sluice.vdev.console;

import java.util.Locale;
import java.util.regex.Pattern;

import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import org.jspecify.annotations.Nullable;

import sluice.vdev.io.AccessToken;

/**
 * Who may ask: who knows the token, as the first part of the path or as a bearer token (RFC 6750), and is no page of another
 * origin. A page of another host may have a name for the address of this one (DNS rebinding), so that its browser
 * takes it for the same origin: the Host header of a console of this host only must be an address of it, or localhost.
 */
final class Gate {
    private static final String BEARER = "Bearer ";
    private static final Pattern LOCAL = Pattern.compile("(localhost|127\\.[0-9.]+|\\[::1])(:[0-9]+)?");

    private final AccessToken token;
    private final boolean isLocal;

    /** The decision about a request: a path below the token, or a refusal. */
    sealed interface Decision {
        /** @param path without the token, the slash before it, and the query */
        record Pass(String path) implements Decision {}

        record Refuse(FullHttpResponse answer) implements Decision {}
    }

    /** @param isLocal whether only programs of this host can connect */
    Gate(AccessToken token, boolean isLocal) {
        this.token = token;
        this.isLocal = isLocal;
    }

    Decision decide(HttpRequest request) {
        FullHttpResponse refusal = foreign(request.headers());
        if (refusal != null) return new Decision.Refuse(refusal);
        String uri = request.uri();
        int query = uri.indexOf('?');
        String path = query < 0 ? uri : uri.substring(0, query);
        if (!path.startsWith("/"))
            return new Decision.Refuse(Answers.text(HttpResponseStatus.BAD_REQUEST, "the path has no slash"));
        int slash = path.indexOf('/', 1);
        String first = path.substring(1, slash < 0 ? path.length() : slash);
        if (token.is(first)) return below(first, slash < 0 ? null : path.substring(slash + 1));
        String authorization = request.headers().get(HttpHeaderNames.AUTHORIZATION, "");
        if (authorization.startsWith(BEARER) && token.is(authorization.substring(BEARER.length())))
            return new Decision.Pass(path.substring(1));
        FullHttpResponse answer = Answers.text(HttpResponseStatus.UNAUTHORIZED,
                "the address needs the token that was printed at the start, or the header \"Authorization: Bearer TOKEN\"");
        answer.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer realm=\"sluice\"");
        return new Decision.Refuse(answer);
    }

    /** What the page refers to is relative to a folder: the token, with a slash behind. */
    private static Decision below(String first, @Nullable String path) {
        if (path != null) return new Decision.Pass(path);
        FullHttpResponse moved = Answers.text(HttpResponseStatus.PERMANENT_REDIRECT, "add a slash");
        moved.headers().set(HttpHeaderNames.LOCATION, "/" + first + "/");
        return new Decision.Refuse(moved);
    }

    /** The refusal of a request from another origin, or null. */
    private @Nullable FullHttpResponse foreign(HttpHeaders headers) {
        String host = headers.get(HttpHeaderNames.HOST, "").toLowerCase(Locale.ROOT);
        if (isLocal && !LOCAL.matcher(host).matches())
            return Answers.text(HttpResponseStatus.MISDIRECTED_REQUEST,
                    "this console is for its own host: ask for 127.0.0.1 or localhost");
        String origin = headers.get(HttpHeaderNames.ORIGIN);
        boolean isOurs = origin == null || origin.toLowerCase(Locale.ROOT).equals("http://" + host);
        String site = headers.get("Sec-Fetch-Site", "none");
        if (isOurs && (site.equals("none") || site.equals("same-origin"))) return null;
        return Answers.text(HttpResponseStatus.FORBIDDEN, "a page of another origin has asked");
    }
}
