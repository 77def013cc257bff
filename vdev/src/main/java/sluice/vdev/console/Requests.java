package sluice.vdev.console;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.RejectedExecutionException;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;

import sluice.vdev.profile.Capture;
import sluice.vdev.report.PrometheusText;

/**
 * The requests of one connection, one after the other: the next is read when the answer before has been written, so that nothing
 * piles up for a peer that asks without reading.
 */
final class Requests extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final String FILES = "files/";

    private final ConsoleServer server;
    private final Peer peer;
    /** Whether a request is awaited, and not an answer being written. */
    private boolean awaits = true;

    Requests(ConsoleServer server, Peer peer) {
        this.server = server;
        this.peer = peer;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        context.read();
    }

    /** A request that was not complete in what was read needs another read. */
    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (awaits) context.read();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
        awaits = false;
        peer.asked();
        if (peer.isTooMany()) {
            server.countRefused();
            end(context, Answers.text(HttpResponseStatus.SERVICE_UNAVAILABLE, "too many connections"));
            return;
        }
        DecoderResult decoded = request.decoderResult();
        if (decoded.isFailure()) {
            end(context, Answers.text(status(decoded.cause()), "this is no request: " + decoded.cause().getMessage()));
            return;
        }
        switch (server.gate().decide(request)) {
            case Gate.Decision.Refuse refusal -> {
                server.countRefused();
                answer(context, request, refusal.answer());
            }
            case Gate.Decision.Pass pass -> serve(context, request, pass.path());
        }
    }

    private static HttpResponseStatus status(Throwable cause) {
        return switch (cause) {
            case TooLongHttpLineException _ -> HttpResponseStatus.REQUEST_URI_TOO_LONG;
            case TooLongHttpHeaderException _ -> HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE;
            default -> HttpResponseStatus.BAD_REQUEST;
        };
    }

    private void serve(ChannelHandlerContext context, FullHttpRequest request, String path) {
        if (path.startsWith(ScreenSocket.PATH) && isUpgrade(request)) {
            ScreenSocket.open(server, context, request, path.substring(ScreenSocket.PATH.length()), peer, this);
            return;
        }
        if (path.startsWith(FILES)) {
            download(context, request, path.substring(FILES.length()));
            return;
        }
        answer(context, request, server.answer(request.method(), path, request.uri()));
    }

    private static boolean isUpgrade(FullHttpRequest request) {
        return request.method().equals(HttpMethod.GET)
                && request.headers().contains(HttpHeaderNames.UPGRADE, HttpHeaderValues.WEBSOCKET, true);
    }

    /** Answers with a file that a capture has left; the name is compared with theirs and is no part of a path. */
    private void download(ChannelHandlerContext context, FullHttpRequest request, String name) {
        boolean isHead = request.method().equals(HttpMethod.HEAD);
        if (!isHead && !request.method().equals(HttpMethod.GET)) {
            answer(context, request, Answers.notAllowed("GET, HEAD"));
            return;
        }
        Capture.Written file = server.file(name);
        if (file == null) {
            answer(context, request, Answers.text(HttpResponseStatus.NOT_FOUND,
                    "the last recording or profile has no such file, or is not at its end"));
            return;
        }
        Download download = new Download(file, isHead, HttpUtil.isKeepAlive(request), server.limits().stall());
        // Its own limit of time is that of each chunk.
        peer.upgraded();
        FullHttpRequest kept = request.retain();
        boolean isStarted = server.start(() -> {
            Download.End end = download.send(context.channel());
            try {
                context.executor().execute(() -> ended(context, kept, end));
            } catch (RejectedExecutionException e) {
                kept.release(); // the console has ended
            }
        });
        if (isStarted) return;
        kept.release();
        peer.leaves();
        answer(context, request, Answers.text(HttpResponseStatus.SERVICE_UNAVAILABLE,
                "%d files are being sent already".formatted(server.limits().downloads())));
    }

    private void ended(ChannelHandlerContext context, FullHttpRequest request, Download.End end) {
        server.sent();
        peer.leaves();
        switch (end) {
            case Download.End.Sent _ when HttpUtil.isKeepAlive(request) -> {
                awaits = true;
                context.read();
            }
            case Download.End.Sent _ -> context.close();
            case Download.End.Missing missing ->
                answer(context, request, Answers.text(HttpResponseStatus.GONE, missing.why()));
            case Download.End.Broken broken -> {
                server.log().info("console: {} is disconnected: {}", peer, broken.why());
                context.close();
            }
        }
        request.release();
    }

    /** Answers, and reads the next request. */
    void answer(ChannelHandlerContext context, FullHttpRequest request, FullHttpResponse answer) {
        boolean keepAlive = HttpUtil.isKeepAlive(request);
        HttpUtil.setKeepAlive(answer, keepAlive);
        if (request.method().equals(HttpMethod.HEAD)) answer.content().clear();
        context.writeAndFlush(answer).addListener(done -> {
            if (done.isSuccess() && keepAlive) {
                awaits = true;
                context.read();
            } else {
                context.close();
            }
        });
    }

    private static void end(ChannelHandlerContext context, FullHttpResponse answer) {
        HttpUtil.setKeepAlive(answer, false);
        context.writeAndFlush(answer).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        peer.writability(context.channel().isWritable());
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        server.failed(peer, cause);
        context.close();
    }

    /** The metrics. */
    static FullHttpResponse metrics(Watched watched) {
        return Answers.of(HttpResponseStatus.OK, PrometheusText.CONTENT_TYPE,
                PrometheusText.of(watched.devices(), watched.core()).getBytes(StandardCharsets.UTF_8));
    }
}
