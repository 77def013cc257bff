package sluice.vdev.console;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.Deadline;

import static org.assertj.core.api.Assertions.assertThat;

/** What a capture has left, by its link, and who asks for more than that. */
@Timeout(120)
class DownloadLoopbackTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String NAME = "recording-1.rec";
    private static final int NOT_FOUND = 404;
    private static final int GONE = 410;

    @TempDir
    private Path folder = Path.of("");
    private @Nullable ShownGpu opened;

    private ShownGpu shown() {
        return java.util.Objects.requireNonNull(opened, "started");
    }

    @AfterEach
    void end() {
        shown().close();
    }

    private JsonObject status(String kind) {
        try {
            for (JsonElement one : JsonParser.parseString(shown().get("state.json").body()).getAsJsonObject()
                    .getAsJsonArray("captures"))
                if (one.getAsJsonObject().get("name").getAsString().equals(kind)) return one.getAsJsonObject();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("no " + kind);
    }

    private void press(String kind, String what, String phase) throws Exception {
        assertThat(shown().post(kind + "/" + what).statusCode()).isEqualTo(202);
        Deadline.in(LIMIT).require(() -> status(kind).get("phase").getAsString().equals(phase), phase);
    }

    private List<String> captured(String kind) throws Exception {
        press(kind, "start", "running");
        press(kind, "stop", "off");
        JsonArray files = status(kind).getAsJsonArray("files");
        return files.asList().stream().map(JsonElement::getAsString).toList();
    }

    private HttpResponse<byte[]> file(String name) throws Exception {
        return shown().http.send(shown().request("files/" + name).build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private Socket ask(String request) throws IOException {
        Socket socket = new Socket(shown().console.address().getAddress(), shown().console.address().getPort());
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
        return socket;
    }

    private Socket asksFor(String name) throws IOException {
        return ask("GET %sfiles/%s HTTP/1.1\r\nHost: localhost\r\n\r\n".formatted(shown().root(), name));
    }

    private String raw(String request) throws IOException {
        try (Socket socket = ask(request)) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void eachFileIsSentAsItIsAndNotBeforeItsEnd() throws Exception {
        opened = ShownGpu.into(folder);
        assertThat(captured("recording")).containsExactly(NAME);
        List<String> profile = captured("profile");
        assertThat(profile).containsExactly("profile-1-report.html", "profile-1-trace.pftrace",
                "profile-1-profile.jfr", "profile-1-flight.rec");
        List<String> all = new ArrayList<>(profile);
        all.add(NAME);
        for (String name : all) {
            HttpResponse<byte[]> answer = file(name);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body())
                    .isEqualTo(Files.readAllBytes(folder.resolve(name.replace("profile-1-", "profile-1/"))));
            assertThat(answer.headers().firstValue("content-disposition"))
                    .hasValue("attachment; filename=\"" + name + "\"");
            assertThat(answer.headers().firstValue("content-type")).hasValue("application/octet-stream");
            assertThat(answer.headers().firstValue("x-content-type-options")).hasValue("nosniff");
        }
        press("recording", "start", "running");
        assertThat(file(NAME).statusCode()).as("another is under way").isEqualTo(NOT_FOUND);
        press("recording", "stop", "off");
        assertThat(file("recording-2.rec").statusCode()).isEqualTo(200);
        assertThat(file(NAME).statusCode()).as("only the last").isEqualTo(NOT_FOUND);
    }

    /** The next request of the same connection is answered, too. */
    @Test
    void aHeadHasItsLengthAndNoBody() throws Exception {
        opened = ShownGpu.into(folder);
        captured("recording");
        String head = "HEAD %sfiles/%s HTTP/1.1\r\nHost: localhost\r\n\r\n".formatted(shown().root(), NAME);
        String answers = raw(head + head.replace("HEAD", "GET").replace("files/" + NAME, "icon.svg").replace("\r\n\r\n",
                "\r\nConnection: close\r\n\r\n"));
        assertThat(answers).startsWith("HTTP/1.1 200 ").contains("content-length: " + Files.size(folder.resolve(NAME)))
                .endsWith("</svg>\n");
        assertThat(answers.length()).isLessThan(8192);
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "..", "../secret", "..%2fsecret", "%2e%2e/secret", "/etc/passwd", "secret", "link.rec",
            "recording-1.rec/", "./recording-1.rec", "recording-1.rec%00", "profile-1/report.html", "RECORDING-1.REC",
            "recording-01.rec" })
    void noOtherNameIsAFile(String name) throws Exception {
        Path out = Files.createDirectory(folder.resolve("out"));
        Files.writeString(folder.resolve("secret"), "secret");
        Files.writeString(out.resolve("secret"), "secret");
        Files.createSymbolicLink(out.resolve("link.rec"), folder.resolve("secret"));
        opened = ShownGpu.into(out);
        captured("recording");
        try (Socket socket = ask("GET %sfiles/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                .formatted(shown().root(), name))) {
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answer).startsWith("HTTP/1.1 404 ").doesNotContain("secret\n");
        }
    }

    @Test
    void theTokenAndTheOriginCountAsForAllElse() throws Exception {
        opened = ShownGpu.into(folder);
        captured("recording");
        String get = "GET %sfiles/recording-1.rec HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n";
        String wrong = "/" + "x".repeat(22) + "/";
        assertThat(raw(get.formatted(wrong, "localhost", ""))).startsWith("HTTP/1.1 401 ");
        assertThat(raw(get.formatted(shown().root(), "evil.example", ""))).startsWith("HTTP/1.1 421 ");
        assertThat(raw(get.formatted(shown().root(), "localhost", "Origin: http://evil.example\r\n")))
                .startsWith("HTTP/1.1 403 ");
        assertThat(raw(get.formatted(shown().root(), "localhost", "Sec-Fetch-Site: cross-site\r\n")))
                .startsWith("HTTP/1.1 403 ");
        HttpResponse<String> post = shown().post("files/" + NAME);
        assertThat(post.statusCode()).isEqualTo(405);
        assertThat(post.headers().firstValue("allow")).hasValue("GET, HEAD");
        HttpRequest delete = shown().request("files/" + NAME).DELETE().build();
        assertThat(shown().http.send(delete, HttpResponse.BodyHandlers.discarding()).statusCode()).isEqualTo(405);
        assertThat(folder.resolve(NAME)).exists();
    }

    @Test
    void whatWasPutInAFilesPlaceIsNotSent() throws Exception {
        opened = ShownGpu.into(folder.resolve("out"));
        captured("recording");
        Path file = folder.resolve("out").resolve(NAME);
        Files.delete(file);
        assertThat(file(NAME).statusCode()).isEqualTo(GONE);
        Files.createSymbolicLink(file, Files.writeString(folder.resolve("secret"), "secret"));
        HttpResponse<byte[]> link = file(NAME);
        assertThat(link.statusCode()).isEqualTo(GONE);
        assertThat(new String(link.body(), StandardCharsets.UTF_8)).contains("is not there any more");
        Files.delete(file);
        assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
        assertThat(file(NAME).statusCode()).as("a pipe without a writer").isEqualTo(GONE);
    }

    /** Its length was told already: the connection ends before it. */
    @Test
    void aFileThatBecomesShorterEndsTheConnection() throws Exception {
        opened = ShownGpu.into(folder);
        captured("recording");
        Path file = folder.resolve(NAME);
        long whole = Files.size(file);
        try (Socket socket = asksFor(NAME); InputStream in = socket.getInputStream()) {
            assertThat(new String(in.readNBytes(15), StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 200 OK");
            try (FileChannel open = FileChannel.open(file, StandardOpenOption.WRITE)) {
                open.truncate(100);
            }
            assertThat(in.readAllBytes().length).isLessThan((int) whole);
        }
    }

    /** Beyond the limit is 503; who does not read is disconnected, and then there is room again. */
    @Test
    void whoDoesNotReadHoldsUpNobodyForLong() throws Exception {
        opened = ShownGpu.into(folder, HostileBrowserTest.HASTY);
        captured("recording");
        int most = HostileBrowserTest.HASTY.downloads();
        List<Socket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < most; i++) {
                Socket socket = asksFor(NAME);
                idle.add(socket);
                socket.getInputStream().readNBytes(1); // it is being sent
            }
            assertThat(file(NAME).statusCode()).isEqualTo(503);
            assertThat(shown().get("state.json").statusCode()).as("the page goes on").isEqualTo(200);
            Deadline.in(LIMIT).require(() -> status() == 200, "room again");
            for (Socket socket : idle)
                assertThat(socket.getInputStream().readAllBytes().length)
                        .isLessThan((int) Files.size(folder.resolve(NAME)));
        } finally {
            for (Socket socket : idle) socket.close();
        }
    }

    private int status() {
        try {
            return file(NAME).statusCode();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
