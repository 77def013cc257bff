package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.vdev.fixture.Baseline;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** Viewers that break the protocol, take their time, or go without a word: others and the guest do not notice. */
@Timeout(120)
class HostileViewerTest {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final RfbLimits HASTY = new RfbLimits(4, Duration.ofMillis(500), Duration.ofMillis(500),
            Duration.ofMillis(800), Duration.ofMillis(100));
    /** Nothing but what is tested ends a connection. */
    private static final RfbLimits PATIENT = new RfbLimits(4, Duration.ofMinutes(1), Duration.ofMinutes(1),
            Duration.ofMinutes(1), Duration.ofMillis(100));

    private ViewedGpu viewed;
    private Canvas canvas;
    private int[] pixels;

    @BeforeEach
    void start() throws IOException {
        viewed = ViewedGpu.start(GuestVariant.USUAL, PATIENT, 1);
        show();
    }

    /** The same with other limits. */
    private void restart(RfbLimits limits) throws IOException {
        viewed.close();
        viewed = ViewedGpu.start(GuestVariant.USUAL, limits, 1);
        show();
    }

    private void show() throws IOException {
        canvas = viewed.gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT);
        pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
    }

    @AfterEach
    void end() {
        viewed.close();
    }

    private LogTap log() {
        return viewed.backEnd().log();
    }

    /** A viewer that behaves still sees everything. */
    private void requireService() throws IOException {
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(VncClient.ZRLE);
            client.await(pixels);
        }
    }

    private void requireEnd(VncClient client, String why) throws IOException {
        client.awaitEnd();
        assertThat(log().count(why)).as(log().complaints().toString()).isEqualTo(1);
        assertThat(log().count("the viewer ")).as(log().complaints().toString()).isEqualTo(1);
        requireService();
    }

    private void sends(byte[] bytes, String why) throws IOException {
        try (VncClient client = viewed.view(0)) {
            client.out.write(bytes);
            requireEnd(client, why);
        }
    }

    @Test
    void anUnknownMessageEndsTheConnection() throws IOException {
        sends(new byte[]{ 99 }, "unknown message 99");
    }

    @Test
    void aClipboardOfTwoGigabytesIsNotRead() throws IOException {
        sends(ByteBuffer.allocate(8).put((byte) 6).putInt(4, Integer.MAX_VALUE).array(),
                "a clipboard of 2147483647 bytes; the limit is 262144");
    }

    @Test
    void anImpossiblePixelEndsTheConnection() throws IOException {
        sends(ByteBuffer.allocate(20).put(4, (byte) 24).put(7, (byte) 1).array(), "a pixel of 24 bits");
    }

    @Test
    void aColourOutsideOfThePixelEndsTheConnection() throws IOException {
        sends(ByteBuffer.allocate(20).put(4, (byte) 16).put(7, (byte) 1).putShort(8, (short) 63).put(14, (byte) 11)
                .array(), "a colour up to 63, 11 bits from the right, in a pixel of 16 bits");
    }

    @Test
    void anotherProtocolEndsTheConnection() throws IOException {
        try (VncClient client = VncClient.connect(viewed.address(0))) {
            client.out.write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            requireEnd(client, "not a version of RFB 3");
        }
    }

    @Test
    void aSecurityTypeThatWasNotOfferedEndsTheConnection() throws IOException {
        try (VncClient client = VncClient.connect(viewed.address(0))) {
            client.out.write("RFB 003.008\n\2".getBytes(StandardCharsets.US_ASCII));
            requireEnd(client, "security type 2 was not offered");
        }
    }

    @Test
    void aHandshakeThatDoesNotEndIsEnded() throws IOException {
        restart(HASTY);
        try (VncClient client = VncClient.connect(viewed.address(0))) {
            client.out.write("RFB 003.".getBytes(StandardCharsets.US_ASCII));
            requireEnd(client, "did not end its handshake within 500 ms");
        }
    }

    @Test
    void aMessageThatComesByteByByteIsEnded() throws IOException {
        restart(HASTY);
        try (VncClient client = viewed.view(0)) {
            client.out.write(ByteBuffer.allocate(4).put((byte) 2).putShort(2, (short) 0xffff).array());
            client.out.write(new byte[1000]);
            requireEnd(client, "did not end a message within 500 ms");
        }
    }

    /** As many encodings as the message can name, again and again: they are not kept. */
    @Test
    void longListsOfEncodingsAreTaken() throws IOException {
        try (VncClient client = viewed.view(0)) {
            int[] all = new int[0xffff];
            Arrays.setAll(all, i -> 1000 + i);
            all[0xfffe] = VncClient.ZRLE;
            for (int i = 0; i < 20; i++) client.setEncodings(all);
            client.await(pixels);
            client.out.write(ByteBuffer.allocate(8 + ClientDecoder.MAX_CUT_TEXT).put((byte) 6)
                    .putInt(4, ClientDecoder.MAX_CUT_TEXT).array());
            int[] next = canvas.drawNoise(2);
            canvas.transfer();
            canvas.flush();
            client.await(next);
        }
    }

    @Test
    void areasOutsideOfTheScreenAreCut() throws IOException {
        try (VncClient client = viewed.view(0)) {
            client.request(false, 0xffff, 0xffff, 0xffff, 0xffff);
            client.request(false, 600, 470, 0xffff, 0);
            client.request(false, 0, 0, 0xffff, 0xffff);
            client.receive();
            assertThat(client.pixels).isEqualTo(pixels);
        }
    }

    /** One that asks and never reads is ended, and until then holds up neither the guest nor another viewer. */
    @Test
    void aViewerThatDoesNotReadIsEnded() throws IOException {
        restart(HASTY);
        try (VncClient client = viewed.view(0)) {
            for (int i = 0; i < 50; i++) client.request(false);
            Random random = new Random(1);
            Deadline.in(Deadline.USUAL).require(() -> {
                try {
                    for (int i = 0; i < 10; i++) client.request(false);
                } catch (IOException e) {
                    // The server has closed the connection.
                    return log().count("did not read what it asked for within 800 ms") == 1;
                }
                pixels = draw(random.nextLong());
                return log().count("did not read what it asked for within 800 ms") == 1;
            }, "the end of a viewer that does not read");
            requireService();
        }
    }

    private int[] draw(long seed) {
        try {
            int[] next = canvas.drawNoise(seed);
            canvas.transfer();
            canvas.flush();
            return next;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void viewersAboveTheLimitAreRejected() throws IOException {
        List<VncClient> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) clients.add(viewed.view(0));
        try (VncClient fifth = VncClient.connect(viewed.address(0))) {
            fifth.awaitEnd();
            assertThat(log().count("rejected a viewer: 4 are connected")).isEqualTo(1);
        }
        for (VncClient client : clients) client.close();
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                requireService();
                return true;
            } catch (IOException e) {
                return false; // the others have not gone yet
            }
        }, "room for another viewer");
    }

    /** Resources come and go while viewers read them. */
    @Test
    void resourcesGoWhileTheyAreRead() throws IOException {
        try (VncClient first = viewed.view(0); VncClient second = viewed.view(0)) {
            Thread reader = Thread.ofPlatform().start(() -> {
                try {
                    second.setEncodings(VncClient.RAW, VncClient.DESKTOP_SIZE);
                    for (int i = 0; i < 100; i++) {
                        second.request(false);
                        second.receive();
                    }
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            Random random = new Random(3);
            for (int i = 0; i < 100; i++) {
                int side = 200 + random.nextInt(400);
                Canvas next = viewed.gpu().canvas(10 + i, GpuWire.FORMAT_B8G8R8X8, side, side);
                next.draw(new int[side * side]);
                next.transfer();
                next.show(0);
                next.flush();
                viewed.gpu().driver().unref(10 + i).ok();
                next.backing().forEach(viewed.gpu().ram()::free);
            }
            join(reader);
            first.setEncodings(VncClient.ZRLE, VncClient.DESKTOP_SIZE);
            canvas.show(0);
            first.await(pixels);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private void visit(int turn) throws IOException {
        VncClient client = turn % 3 == 0 ? VncClient.connect(viewed.address(0)) : viewed.view(0);
        try (client) {
            if (turn % 3 == 0) return;
            client.setEncodings(turn % 2 == 0 ? VncClient.ZRLE : VncClient.RAW, VncClient.CURSOR);
            client.request(false);
            if (turn % 3 == 1) client.await(pixels);
            // The others go in the middle of an update.
        }
    }

    @Test
    void nothingIsLeftOfAHundredConnections() throws IOException {
        restart(new RfbLimits(16, Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMinutes(1),
                Duration.ofMillis(100)));
        for (int turn = 0; turn < 16; turn++) visit(turn);
        Baseline before = Baseline.take();
        for (int turn = 0; turn < 100; turn++) {
            // The server may notice the end of the one before a moment later.
            int now = turn;
            Deadline.in(Deadline.USUAL).require(() -> {
                try {
                    visit(now);
                    return true;
                } catch (IOException e) {
                    return false;
                }
            }, "a visit");
        }
        before.requireRestored();
    }
}
