package sluice.vdev.feed;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.fixture.Deadline;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The control socket and clients of all kinds; no driver runs. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ControlSocketTest {
    @TempDir
    private Path folder = Path.of("");
    private Path control;
    private ServedDevice device;

    @BeforeEach
    void serve() throws Exception {
        control = folder.resolve("control");
        device = new ServedDevice(new InputProvider(), "control", control.toString());
    }

    @AfterEach
    void end() {
        device.close();
        assertThat(control).doesNotExist();
    }

    /** It is served: it answers. */
    private void requireServed() throws Exception {
        try (ControlScript script = new ControlScript(control)) {
            script.send("sync");
            assertThat(script.next()).isEqualTo("ok");
        }
    }

    @Test
    void itIsForItsOwnerOnly() throws Exception {
        assertThat(Files.getPosixFilePermissions(control)).containsExactlyInAnyOrder(PosixFilePermission.OWNER_READ,
                PosixFilePermission.OWNER_WRITE);
    }

    @Test
    void linesMayComeInPiecesAndMistakesDoNotEndTheConnection() throws Exception {
        try (ControlScript script = new ControlScript(control)) {
            for (byte one : "\n\r\nsy".getBytes(StandardCharsets.US_ASCII))
                script.send(new byte[]{ one });
            script.send("nc\r", "nonsense", "abs 1 1", "key 30 1", "sync");
            assertThat(script.next()).isEqualTo("ok");
            assertThat(script.next()).startsWith("error: unknown command; the commands are key CODE 0|1, text TEXT");
            assertThat(script.next()).isEqualTo("error: this device is a keyboard, and the command needs a tablet");
            assertThat(script.next()).isEqualTo("error: no driver runs in the guest; nothing was sent");
            assertThat(script.next()).isEqualTo("ok");
        }
    }

    @Test
    void aLineWithoutAnEndEndsTheConnection() throws Exception {
        try (ControlScript script = new ControlScript(control)) {
            script.send("x".repeat(ControlCommand.MOST_BYTES));
            assertThat(script.next()).as("the longest line").startsWith("error: unknown command");
            script.send(new byte[ControlCommand.MOST_BYTES + 1]);
            assertThat(script.next()).isEqualTo("error: a line is longer than 4096 bytes; the connection is closed");
            assertThat(script.next()).isEqualTo("(end)");
        }
        requireServed();
    }

    @Test
    void tooManyClientsAreToldSo() throws Exception {
        List<ControlScript> scripts = new ArrayList<>();
        for (int i = 0; i < ControlSocket.MOST_CLIENTS; i++) {
            ControlScript script = new ControlScript(control);
            scripts.add(script);
            script.send("sync");
            assertThat(script.next()).isEqualTo("ok");
        }
        try (ControlScript more = new ControlScript(control)) {
            assertThat(more.next()).isEqualTo("error: 8 clients are connected already");
            assertThat(more.next()).isEqualTo("(end)");
        }
        scripts.getLast().close();
        Deadline.in(Deadline.USUAL).require(() -> {
            try (ControlScript next = new ControlScript(control)) {
                next.send("sync");
                return next.next().equals("ok");
            } catch (IOException e) {
                return false;
            }
        }, "a place for another client");
        for (ControlScript script : scripts) script.close();
    }

    /** It is not read any more when its answers fill its socket, and costs no memory. */
    @Test
    void aClientThatReadsNoAnswersIsNotRead() throws Exception {
        try (ControlScript script = new ControlScript(control)) {
            Thread flood = Thread.ofPlatform().daemon().start(() -> {
                try {
                    for (;;) script.send("x\n".repeat(2000));
                } catch (IOException e) {
                    Thread.currentThread().interrupt(); // closed by the test
                }
            });
            Deadline.in(Deadline.USUAL).require(() -> flood.getState() == Thread.State.RUNNABLE, "the flood");
            for (int i = 0; i < 5; i++) requireServed();
            assertThat(flood.isAlive()).isTrue();
        }
        requireServed();
    }

    @Test
    void wrongOptionsAreRefused() {
        refused("kind=mouse: give keyboard, tablet, touch", "kind", "mouse");
        refused("grab: there is nothing to take without evdev=", "grab", "");
        refused("seat=a b: give up to 64 letters", "seat", "a b");
        refused("serial: longer than 128 bytes", "serial", "é".repeat(65));
        refused("evdev=/dev/null is not a node of the input layer", "evdev", "/dev/null");
        refused("evdev=/nonexistent: there is no such file", "evdev", "/nonexistent");
        refused("another process listens there", "control", control.toString());
    }

    private static void refused(String sentence, String... options) {
        assertThatThrownBy(() -> new ServedDevice(new InputProvider(), options)).satisfiesAnyOf(
                thrown -> assertThat(thrown).isInstanceOf(WrongOptionException.class),
                thrown -> assertThat(thrown).isInstanceOf(IOException.class))
                .hasMessageContaining(sentence);
    }
}
