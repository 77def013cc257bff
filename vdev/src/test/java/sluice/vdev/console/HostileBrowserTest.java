package sluice.vdev.console;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.io.AccessToken;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.rfb.VncClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Browsers that take too much, too long, or go without a word: others and the guest do not notice. */
@Timeout(120)
class HostileBrowserTest {
    private static final ConsoleLimits USUAL = ConsoleLimits.DEFAULT;
    static final ConsoleLimits HASTY = new ConsoleLimits(8, USUAL.line(), USUAL.headers(), USUAL.body(),
            USUAL.frame(), Duration.ofMillis(700), Duration.ofMillis(700), 2);
    private @Nullable ShownGpu opened;

    private ShownGpu shown() {
        return java.util.Objects.requireNonNull(opened, "started");
    }

    @AfterEach
    void end() {
        shown().close();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(shown().console.address().getAddress(), shown().console.address().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    private void requireService() throws Exception {
        assertThat(shown().get("state.json").statusCode()).isEqualTo(200);
        Canvas canvas = shown().gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, 640, 480);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        try (VncClient client = shown().view(0)) {
            client.await(pixels);
        }
    }

    private String get(String path) {
        return "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n".formatted(path);
    }

    @Test
    void ofAHundredConnectionsThoseBeyondTheLimitAreRefused() throws Exception {
        opened = ShownGpu.start();
        List<Socket> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) all.add(connect());
        int served = 0;
        int refused = 0;
        for (Socket one : all) {
            one.getOutputStream().write(get(shown().root() + "metrics").getBytes(StandardCharsets.US_ASCII));
            String line = new String(one.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
            if (line.equals("HTTP/1.1 200")) served++;
            if (line.equals("HTTP/1.1 503")) refused++;
        }
        assertThat(served).isEqualTo(64);
        assertThat(refused).isEqualTo(36);
        for (Socket one : all) one.close();
        Deadline.in(Duration.ofSeconds(20)).require(() -> connections() == 1, "the end of all connections");
        requireService();
    }

    private int connections() {
        try {
            return JsonParser.parseString(shown().get("state.json").body()).getAsJsonObject().getAsJsonObject("console")
                    .get("connections").getAsInt();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A request byte by byte, or none: the time is for all of it. */
    @Test
    void whoAsksTooSlowlyIsDisconnected() throws Exception {
        opened = ShownGpu.start(HASTY);
        try (Socket silent = connect(); Socket slow = connect()) {
            slow.getOutputStream().write("GET /".getBytes(StandardCharsets.US_ASCII));
            assertThat(silent.getInputStream().read()).isEqualTo(-1);
            assertThat(slow.getInputStream().read()).isEqualTo(-1);
        }
        requireService();
    }

    /** Ten thousand requests at once, and no answer is read: one answer at a time is made, and then the peer is late. */
    @Test
    void whoReadsNoAnswersIsDisconnected() throws Exception {
        opened = ShownGpu.start(HASTY);
        try (Socket greedy = connect()) {
            byte[] request = get(shown().root() + "uplot.js").getBytes(StandardCharsets.US_ASCII);
            assertThatThrownBy(() -> {
                for (int i = 0; i < 1_000_000; i++) greedy.getOutputStream().write(request);
            }).isInstanceOf(IOException.class);
        }
        requireService();
    }

    @Test
    void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
        opened = ShownGpu.start();
        try (Socket socket = connect()) {
            String all = get(shown().root() + "nothing").repeat(300)
                    + get(shown().root() + "icon.svg").replace("\r\n\r\n",
                            "\r\nConnection: close\r\n\r\n");
            socket.getOutputStream().write(all.getBytes(StandardCharsets.US_ASCII));
            String answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answers.split("HTTP/1.1 404", -1)).hasSize(301);
            assertThat(answers).endsWith("</svg>\n");
        }
    }

    @Test
    void aGiantFrameEndsItsViewerOnly() throws Exception {
        opened = ShownGpu.start();
        try (WebSocketPipe giant = shown().socket(0);
                WebSocketPipe text = shown().socket(0);
                WebSocketPipe long64 = shown().socket(1)) {
            giant.announce(1L << 40);
            assertThat(giant.awaitClose()).isEqualTo(1009);
            long64.announce(65_537);
            assertThat(long64.awaitClose()).isEqualTo(1009);
            text.send(WebSocketPipe.TEXT, "RFB 003.008\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(text.awaitClose()).isEqualTo(1003);
        }
        requireService();
    }

    /** The screen's own limits hold: what breaks its protocol is disconnected. */
    @Test
    void aViewerThatSpeaksAnotherProtocolIsDisconnected() throws Exception {
        opened = ShownGpu.start();
        try (WebSocketPipe other = shown().socket(0)) {
            other.send(WebSocketPipe.BINARY, new byte[65_536]);
            assertThat(other.awaitClose()).isEqualTo(1000);
        }
        requireService();
    }

    @Test
    void viewersThatVanishCostNothing() throws Exception {
        opened = ShownGpu.start(HASTY);
        for (int i = 0; i < 20; i++) {
            try (WebSocketPipe gone = shown().socket(i % 2)) {
                gone.socket.setSoLinger(true, 0);
            }
        }
        Deadline.in(Duration.ofSeconds(20)).require(() -> connections() == 1, "the end of all connections");
        requireService();
    }

    @Test
    void aTakenPortIsASentence() throws Exception {
        opened = ShownGpu.start();
        assertThatThrownBy(
                () -> ConsoleServer.open(shown().console.address(), AccessToken.random(), USUAL, shown()).close())
                .isInstanceOf(IOException.class).hasMessageContaining("the console cannot be served at 127.0.0.1:")
                .hasMessageContaining("in use");
    }
}
