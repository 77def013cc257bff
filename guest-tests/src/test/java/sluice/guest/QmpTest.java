package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The protocol's client against a QEMU that the test plays itself. */
class QmpTest {
    private static final String GREETING = "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n";
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(10);

    @TempDir
    private Path folder;
    private ServerSocketChannel server;
    private SocketChannel client;
    private SocketChannel qemu;
    private BufferedReader requests;
    private OutputStream answers;

    @BeforeEach
    void connect() throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("qmp"));
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
        client = SocketChannel.open(address);
        qemu = server.accept();
        requests = new BufferedReader(Channels.newReader(qemu, StandardCharsets.UTF_8));
        answers = Channels.newOutputStream(qemu);
    }

    @AfterEach
    void disconnect() throws IOException {
        qemu.close();
        client.close();
        server.close();
    }

    private void say(String text) throws IOException {
        answers.write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Answers requests in order, each with one text in which $ stands for the request's id. */
    private Thread script(String... texts) {
        return Thread.ofVirtual().start(() -> {
            try {
                for (String text : texts) {
                    JsonObject request = JsonParser.parseString(requests.readLine()).getAsJsonObject();
                    say(text.replace("$", request.get("id").getAsString()));
                }
            } catch (IOException failure) {
                throw new IllegalStateException(failure);
            }
        });
    }

    @Test
    void answersFindTheirCommandsAndEventsTheirWaiters() throws Exception {
        say(GREETING);
        Thread script = script("{\"return\": {}, \"id\": $}\n",
                """
                        {"event": "STOP", "timestamp": {}}
                        {"event": "RESET", "data": {"guest": true}}
                        {"return": {"status": "running"}, "id": $}
                        """,
                "{\"id\": $, \"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}}\n");
        try (Qmp qmp = new Qmp(client)) {
            assertThat(qmp.execute("query-status").getAsJsonObject().get("status").getAsString()).isEqualTo("running");
            JsonObject reset = qmp.waitForEvent("RESET", LONG);
            assertThat(reset.getAsJsonObject("data").get("guest").getAsBoolean()).isTrue();
            assertThatThrownBy(() -> qmp.waitForEvent("STOP", SHORT)).as("dropped by the wait for RESET")
                    .isInstanceOf(IOException.class).hasMessage("no event STOP from QEMU within 50 ms");
            assertThatThrownBy(() -> qmp.execute("nonsense")).isInstanceOf(IOException.class)
                    .hasMessage("QEMU refused nonsense: no such thing");
        }
        script.join();
    }

    @Test
    void silenceEndsAWait() throws Exception {
        say(GREETING);
        Thread script = script("{\"return\": {}, \"id\": $}\n");
        try (Qmp qmp = new Qmp(client)) {
            script.join();
            assertThatThrownBy(() -> qmp.execute("query-status", new JsonObject(), SHORT))
                    .isInstanceOf(IOException.class)
                    .hasMessage("no answer to query-status from QEMU within 50 ms");
        }
    }

    @Test
    void aClosedConnectionEndsAWaitAtOnce() throws Exception {
        say(GREETING);
        Thread script = script("{\"return\": {}, \"id\": $}\n");
        try (Qmp qmp = new Qmp(client)) {
            script.join();
            qemu.close();
            assertThatThrownBy(() -> qmp.waitForEvent("RESET", LONG)).isInstanceOf(IOException.class)
                    .hasMessage("no event RESET: QEMU closed the QMP connection");
        }
    }

    @Test
    void nonsenseEndsTheConnectionWithAReason() throws Exception {
        say("this is not JSON {\n");
        assertThatThrownBy(() -> new Qmp(client)).isInstanceOf(IOException.class)
                .hasMessageStartingWith("no greeting: the QMP connection ended:");
    }
}
