package sluice.vdev.console;

import java.nio.charset.StandardCharsets;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;

/** Answers to requests, with what a browser is to allow a page. */
final class Answers {
    /** Nothing but what this process serves; no frame around it; images may be made by scripts, as cursors are. */
    static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
            + "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private Answers() {}

    static FullHttpResponse of(HttpResponseStatus status, String type, byte[] bytes) {
        FullHttpResponse answer = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status,
                Unpooled.wrappedBuffer(bytes));
        describe(answer.headers(), type, bytes.length);
        return answer;
    }

    /** Sets the headers that all answers have. */
    static void describe(HttpHeaders headers, String type, long bytes) {
        headers.set(HttpHeaderNames.CONTENT_TYPE, type);
        headers.set(HttpHeaderNames.CONTENT_LENGTH, bytes);
        headers.set(HttpHeaderNames.CONTENT_SECURITY_POLICY, POLICY);
        headers.set(HttpHeaderNames.CACHE_CONTROL, "no-store");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Cross-Origin-Opener-Policy", "same-origin");
    }

    static FullHttpResponse text(HttpResponseStatus status, String sentence) {
        return of(status, "text/plain; charset=utf-8", (sentence + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static FullHttpResponse json(String text) {
        return of(HttpResponseStatus.OK, "application/json", text.getBytes(StandardCharsets.UTF_8));
    }

    /** A method that is none of {@code allowed}. */
    static FullHttpResponse notAllowed(String allowed) {
        FullHttpResponse answer = text(HttpResponseStatus.METHOD_NOT_ALLOWED, "only " + allowed);
        answer.headers().set(HttpHeaderNames.ALLOW, allowed);
        return answer;
    }
}
