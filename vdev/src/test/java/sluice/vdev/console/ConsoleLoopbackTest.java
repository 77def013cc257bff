package sluice.vdev.console;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.Direction;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.rfb.VncClient;

import static org.assertj.core.api.Assertions.assertThat;

/** What a console shows to whoever knows its token, and what it answers to others. */
@Timeout(120)
class ConsoleLoopbackTest {
    private static final Pattern REFERENCE = Pattern.compile("(?:href|src|from) ?=? ?\"([^\"#]+)\"");
    private static final long POOL_BYTES = 64 << 20;
    private ShownGpu shown;
    private MemoryPool pool;

    @BeforeEach
    void start() throws Exception {
        shown = ShownGpu.start();
        pool = MemoryPool.open(FileMappings.ofProcess(), POOL_BYTES, 1, false);
    }

    @AfterEach
    void end() {
        pool.close();
        shown.close();
    }

    private JsonObject json(String path) throws Exception {
        HttpResponse<String> answer = shown.get(path);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JsonParser.parseString(answer.body()).getAsJsonObject();
    }

    /** From the page on, everything that is referred to is there, and of this console. */
    @Test
    void thePageIsComplete() throws Exception {
        java.util.Deque<String> open = new java.util.ArrayDeque<>(java.util.List.of(shown.root()));
        java.util.Set<String> seen = new java.util.HashSet<>(open);
        while (!open.isEmpty()) {
            String path = open.pop();
            HttpResponse<String> answer = shown.get(path);
            assertThat(answer.statusCode()).as(path).isEqualTo(200);
            assertThat(answer.headers().firstValue("content-security-policy").orElseThrow()).contains(
                    "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'");
            if (path.endsWith("uplot.js") || path.endsWith(".svg")) continue;
            Matcher references = REFERENCE.matcher(answer.body());
            while (references.find()) {
                if (!references.group(1).matches("[./a-z0-9_-]+")) continue; // a word in a script
                String next = java.net.URI.create(path).resolve(references.group(1)).toString();
                assertThat(next).startsWith(shown.root());
                if (seen.add(next)) open.push(next);
            }
        }
        assertThat(seen).hasSizeGreaterThan(40).contains(shown.root() + "novnc/core/decoders/zrle.js",
                shown.root() + "uplot.js", shown.root() + "icon.svg");
    }

    @Test
    void theStateIsThatOfNow() throws Exception {
        JsonObject first = json("state.json");
        shown.counter.set(5);
        JsonObject state = json("state.json");
        assertThat(first.getAsJsonArray("devices").get(0).getAsJsonObject().getAsJsonArray("metrics").get(0).toString())
                .isEqualTo(
                        "{\"name\":\"frames\",\"unit\":\"frames\",\"help\":\"Shown \\\"so far\\\".\",\"kind\":\"counter\",\"value\":3}");
        assertThat(state.getAsJsonArray("devices").get(0).toString()).contains("\"value\":5");
        assertThat(state.getAsJsonArray("screens").toString())
                .isEqualTo("[{\"device\":\"gpu\",\"number\":0},{\"device\":\"gpu\",\"number\":1}]");
        assertThat(state.getAsJsonArray("findings")).isEmpty();
    }

    @Test
    void metricsAreForPrometheus() throws Exception {
        String token = shown.root().replace("/", "");
        HttpResponse<String> answer = shown.http.send(
                shown.request("/metrics").header("Authorization", "Bearer " + token).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("content-type").orElseThrow()).startsWith("text/plain; version=0.0.4");
        assertThat(answer.body()).contains("""
                # HELP sluice_frames_total frames: Shown "so far".
                # TYPE sluice_frames_total counter
                sluice_frames_total{device="gpu"} 3
                """);
        assertThat(shown.get("metrics").body()).contains("sluice_frames_total{device=\"gpu\"} 3");
    }

    @Test
    void aBufferIsShownWithItsOwners() throws Exception {
        DmaBuf buffer = shown.core().export("film", 16384, pool);
        var function = shown.core().function("camera", DeviceDmaParams.scatterGather());
        var attachment = buffer.attach(function, Stream.COHERENT);
        assertThat(json("buffers.json").getAsJsonArray("buffers").toString()).contains("\"name\":\"film\"",
                "\"device\":\"camera\",\"coherent\":true,\"mapped\":\"\"", "\"from\":0,\"end\":16384,\"owner\":\"\"");
        var mapping = attachment.map(Direction.FROM_DEVICE);
        assertThat(json("buffers.json").getAsJsonArray("buffers").toString()).contains("\"mapped\":\"write\"",
                "\"from\":0,\"end\":16384,\"owner\":\"camera\",\"others\":0,\"writes\":true");
        mapping.syncForCpu(4096, 4096, Direction.FROM_DEVICE);
        assertThat(json("buffers.json").getAsJsonArray("buffers").toString()).contains(
                "\"from\":0,\"end\":4096,\"owner\":\"camera\"", "\"from\":4096,\"end\":8192,\"owner\":\"\"",
                "\"from\":8192,\"end\":16384,\"owner\":\"camera\"");
        mapping.unmap();
        attachment.detach();
        buffer.release();
        assertThat(json("buffers.json").toString()).isEqualTo("{\"total\":0,\"from\":0,\"buffers\":[]}");
    }

    @Test
    void tenThousandBuffersComeInParts() throws Exception {
        java.util.List<DmaBuf> all = new java.util.ArrayList<>();
        for (int i = 0; i < 10_000; i++) all.add(shown.core().export("b" + i, 4096, pool));
        JsonObject part = json("buffers.json?from=9990&count=500");
        assertThat(part.get("total").getAsInt()).isEqualTo(10_000);
        assertThat(part.getAsJsonArray("buffers")).hasSize(10);
        assertThat(part.toString()).contains("\"name\":\"b9999\"");
        assertThat(json("state.json").get("buffers").getAsInt()).isEqualTo(10_000);
        assertThat(shown.get("buffers.json?count=501").statusCode()).isEqualTo(400);
        assertThat(shown.get("buffers.json?from=-1").statusCode()).isEqualTo(400);
        all.forEach(DmaBuf::release);
    }

    /** Two viewers see each other's screen: every pixel, through a WebSocket. */
    @Test
    void screensAreShownInEveryPixel() throws Exception {
        Canvas canvas = shown.gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, 640, 480);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        try (VncClient first = shown.view(0); VncClient second = shown.view(0)) {
            first.setEncodings(VncClient.ZRLE);
            first.await(pixels);
            second.await(pixels);
            int[] next = canvas.drawNoise(2);
            canvas.transfer();
            canvas.flush();
            first.await(next);
            second.await(next);
            first.key('a', true); // nobody has a keyboard: it is dropped
            first.await(next);
        }
    }

    @Test
    void aPingIsAnsweredAndACloseIsReturned() throws Exception {
        try (WebSocketPipe pipe = shown.socket(0)) {
            pipe.send(WebSocketPipe.PING, new byte[]{ 7, 8 });
            int opcode = pipe.next();
            while (opcode != WebSocketPipe.PONG) {
                pipe.payload();
                opcode = pipe.next();
            }
            assertThat(pipe.payload()).containsExactly(7, 8);
            pipe.send(WebSocketPipe.CLOSE, new byte[]{ 0x03, (byte) 0xe8 });
            assertThat(pipe.awaitClose()).isEqualTo(1000);
        }
    }

    @Test
    void theButtonAsksEveryDevice() throws Exception {
        HttpResponse<String> answer = shown.http.send(
                shown.request("show").POST(HttpRequest.BodyPublishers.noBody()).build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(shown.shows).hasValue(1);
        assertThat(shown.get("show").statusCode()).isEqualTo(405);
        assertThat(shown.shows).hasValue(1);
    }

    @ParameterizedTest
    @CsvSource({ "/, 401", "/metrics, 401", "/wrongwrongwrongwrongwron/, 401", "nothing, 404", "novnc/core, 404",
            "novnc/../console.js, 404", "novnc/%2e%2e/console.js, 404", "screens/gpu/0, 404",
            "console.html, 404" })
    void otherPathsAreRefused(String path, int status) throws Exception {
        java.net.URI uri = java.net.URI.create(shown.console.url());
        String full = path.startsWith("/") ? path : uri.getPath() + path;
        assertThat(raw("GET " + full + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 " + status + " ");
    }

    /** What comes before the connection ends. */
    private String raw(String request) throws Exception {
        try (java.net.Socket socket = new java.net.Socket(shown.console.address().getAddress(),
                shown.console.address().getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @ParameterizedTest
    @CsvSource({ "Host: evil.example, 421", "Host: 127.0.0.1.evil.example, 421", "Host: localhost:1, 200",
            "Host: [::1]:80, 200", "Host: 127.0.0.1|Origin: http://evil.example, 403",
            "Host: 127.0.0.1|Origin: null, 403", "Host: 127.0.0.1|Origin: http://127.0.0.1, 200",
            "Host: 127.0.0.1|Sec-Fetch-Site: cross-site, 403",
            "Host: 127.0.0.1|Upgrade: websocket|Origin: http://evil.example, 403" })
    void otherOriginsAreRefused(String headers, int status) throws Exception {
        assertThat(raw("GET %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n".formatted(shown.root(),
                headers.replace("|", "\r\n")))).startsWith("HTTP/1.1 " + status + " ");
    }

    @ParameterizedTest
    @CsvSource({ "5000, 0, 0, 414", "0, 20000, 0, 431", "0, 5000, 0, 200", "0, 0, 5000, 413", "3000, 9000, 0, 404" })
    void whatIsTooLongIsRefused(int line, int header, int body, int status) throws Exception {
        assertThat(
                raw("GET %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nX: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                        .formatted(shown.root(), "a".repeat(line), "b".repeat(header), body)))
                .startsWith("HTTP/1.1 " + status + " ");
    }

    @Test
    void whatIsNoRequestIsRefused() throws Exception {
        assertThat(raw("\u0016\u0003\u0001 x y z\r\n\r\n")).startsWith("HTTP/1.1 400 ");
        assertThat(raw("GET x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 400 ");
        assertThat(raw(
                "GET %sscreens/gpu/0 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"
                        .formatted(shown.root())))
                .startsWith("HTTP/1.1 426 ");
        assertThat(raw("DELETE %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".formatted(shown.root())))
                .startsWith("HTTP/1.1 405 ").contains("allow: GET, HEAD");
        assertThat(raw("HEAD %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".formatted(shown.root())))
                .startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n");
        assertThat(raw("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .formatted(shown.root().substring(0, shown.root().length() - 1)))).startsWith("HTTP/1.1 308 ");
    }
}
