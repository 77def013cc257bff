package sluice.vdev.console;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

import sluice.vdev.profile.Capture;

/**
 * A file that a capture has left, as the answer to a request. A thread of its own reads and writes it, a chunk at a time: the console's loop
 * waits for no disk, and a peer that does not read holds one chunk in memory, for a limited time.
 *
 * @param isHead whether only the headers are asked for
 * @param stall time for which a peer may take nothing of a chunk
 */
record Download(Capture.Written file, boolean isHead, boolean keepAlive, Duration stall) {
    private static final int CHUNK = 64 * 1024;
    private static final String TYPE = "application/octet-stream";

    /** How it has ended. */
    sealed interface End {
        /** All is written. */
        record Sent() implements End {}

        /** Nothing is written: the answer is a sentence. */
        record Missing(String why) implements End {}

        /** Something is written, and the rest cannot be: the connection must end. */
        record Broken(String why) implements End {}
    }

    /** Writes the answer. Blocks; on no loop. */
    End send(Channel to) {
        boolean hasBegun = false;
        try {
            Path path = file.path();
            // No other file that was put in its place, and no pipe, whose opening would wait.
            if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS))
                return new End.Missing(path + " is not there any more");
            try (InputStream in = Files.newInputStream(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
                long left = Files.size(path);
                hasBegun = true;
                await(to.writeAndFlush(headers(left)));
                byte[] chunk = new byte[CHUNK];
                while (left > 0 && !isHead) {
                    int count = in.readNBytes(chunk, 0, (int) Math.min(left, CHUNK));
                    if (count == 0) return new End.Broken(path + " has become shorter");
                    await(to.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(chunk, 0, count))));
                    left -= count;
                }
            }
            await(to.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT));
            return new End.Sent();
        } catch (NoSuchFileException e) {
            return new End.Missing(e.getFile() + " is not there any more");
        } catch (IOException e) {
            String why = "%s cannot be sent: %s".formatted(file.path(), e.getMessage());
            return hasBegun ? new End.Broken(why) : new End.Missing(why);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new End.Broken("sending was interrupted");
        }
    }

    private HttpResponse headers(long bytes) {
        HttpResponse answer = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        Answers.describe(answer.headers(), TYPE, bytes);
        answer.headers().set(HttpHeaderNames.CONTENT_DISPOSITION, "attachment; filename=\"" + file.name() + "\"");
        HttpUtil.setKeepAlive(answer, keepAlive);
        return answer;
    }

    private void await(ChannelFuture written) throws IOException, InterruptedException {
        if (!written.await(stall.toMillis()))
            throw new IOException("nothing was read for %d ms".formatted(stall.toMillis()));
        if (!written.isSuccess()) throw new IOException("the connection has ended", written.cause());
    }
}
