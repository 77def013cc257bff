package sluice.guest.bench;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

/**
 * What a browser does that has the page of a console open: it reads state and buffers each second, and is a viewer of the first screen (RFC
 * 6143 over RFC 6455), which asks for the next picture when it has one. Nothing is drawn, so that what it costs is the device's part.
 */
final class OpenPage implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final long PERIOD_SECONDS = 1;
    private static final int PIPE_BYTES = 1 << 20;
    private static final int ZRLE = 16;
    private static final int DESKTOP_SIZE = -223;
    private static final int PIXEL_FORMAT_BYTES = 16;

    private final URI page;
    private final HttpClient http = HttpClient.newHttpClient();
    private final PipedInputStream arrived = new PipedInputStream(PIPE_BYTES);
    private final WebSocket socket;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicInteger pictures = new AtomicInteger();
    private final AtomicInteger reads = new AtomicInteger();
    private final Thread reader;
    private final Thread viewer;
    private volatile @Nullable IOException failure;

    private OpenPage(URI page) throws IOException {
        this.page = page;
        PipedOutputStream pipe = new PipedOutputStream(arrived);
        try {
            socket = http.newWebSocketBuilder().subprotocols("binary").connectTimeout(LIMIT)
                    .buildAsync(URI.create(page.resolve("screens/gpu/0").toString().replaceFirst("^http", "ws")),
                            new Screen(pipe))
                    .join();
        } catch (CompletionException e) {
            throw new IOException("the page's screen cannot be viewed: " + e.getMessage(), e);
        }
        reader = Thread.ofPlatform().daemon().name("page-reader").start(() -> run(this::read));
        viewer = Thread.ofPlatform().daemon().name("page-viewer").start(() -> run(this::view));
    }

    /** Opens it, and returns when it has been read once and the screen has been seen. */
    static OpenPage open(URI page) throws IOException, InterruptedException {
        OpenPage opened = new OpenPage(page);
        long end = System.nanoTime() + LIMIT.toNanos();
        while (opened.pictures.get() == 0 || opened.reads.get() == 0) {
            opened.requireHealth();
            if (System.nanoTime() - end > 0) throw new IOException("the page was not complete within " + LIMIT);
            opened.closed.await(1, TimeUnit.MILLISECONDS);
        }
        return opened;
    }

    /** @throws IOException what it has read was wrong, or missing */
    void requireHealth() throws IOException {
        IOException reason = failure;
        if (reason != null) throw new IOException("the page failed: " + reason.getMessage(), reason);
    }

    /** Passes on what arrives. */
    private static final class Screen implements WebSocket.Listener {
        private final PipedOutputStream pipe;

        Screen(PipedOutputStream pipe) {
            this.pipe = pipe;
        }

        @Override
        public @Nullable CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            try {
                pipe.write(bytes);
                pipe.flush();
            } catch (IOException e) {
                return CompletableFuture.failedStage(e); // the page was closed
            }
            from.request(1);
            return null;
        }
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private void run(Work work) {
        try {
            work.run();
        } catch (IOException e) {
            if (closed.getCount() > 0) failure = e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void read() throws IOException, InterruptedException {
        do {
            get("state.json");
            get("buffers.json?from=0&count=50");
            reads.incrementAndGet();
        } while (!closed.await(PERIOD_SECONDS, TimeUnit.SECONDS));
    }

    private void get(String path) throws IOException, InterruptedException {
        HttpResponse<byte[]> answer = http.send(HttpRequest.newBuilder(page.resolve(path)).timeout(LIMIT).build(),
                HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) throw new IOException(path + " is answered with " + answer.statusCode());
    }

    private void send(ByteBuffer message) {
        socket.sendBinary(message.flip(), true).join();
    }

    private void view() throws IOException {
        DataInputStream in = new DataInputStream(arrived);
        byte[] version = new byte[12];
        in.readFully(version);
        send(ByteBuffer.allocate(12).put("RFB 003.008\n".getBytes(StandardCharsets.US_ASCII)));
        in.skipNBytes(in.readUnsignedByte()); // kinds of security
        send(ByteBuffer.allocate(1).put((byte) 1)); // none
        if (in.readInt() != 0) throw new IOException("the screen wants a password");
        send(ByteBuffer.allocate(1).put((byte) 1)); // shared
        int width = in.readUnsignedShort();
        int height = in.readUnsignedShort();
        in.skipNBytes(PIXEL_FORMAT_BYTES);
        in.skipNBytes(in.readInt());
        send(ByteBuffer.allocate(12).put((byte) 2).put((byte) 0).putShort((short) 2).putInt(ZRLE)
                .putInt(DESKTOP_SIZE));
        boolean isIncremental = false;
        while (closed.getCount() > 0) {
            send(ByteBuffer.allocate(10).put((byte) 3).put((byte) (isIncremental ? 1 : 0)).putInt(0)
                    .putShort((short) width).putShort((short) height));
            isIncremental = true;
            if (in.readUnsignedByte() != 0) throw new IOException("the screen sends what a page does not expect");
            in.skipNBytes(1);
            int rectangles = in.readUnsignedShort();
            for (int i = 0; i < rectangles; i++) {
                in.skipNBytes(4);
                int wide = in.readUnsignedShort();
                int high = in.readUnsignedShort();
                switch (in.readInt()) {
                    case ZRLE -> in.skipNBytes(in.readInt());
                    case DESKTOP_SIZE -> {
                        width = wide;
                        height = high;
                        isIncremental = false;
                    }
                    case 0 -> in.skipNBytes(4L * wide * high);
                    default -> throw new IOException("the screen is in an encoding that was not asked for");
                }
            }
            pictures.incrementAndGet();
        }
    }

    /** Pictures that have arrived. */
    int pictures() {
        return pictures.get();
    }

    @Override
    public void close() throws IOException {
        closed.countDown();
        socket.abort();
        arrived.close();
        reader.interrupt();
        viewer.interrupt();
        http.close();
    }
}
