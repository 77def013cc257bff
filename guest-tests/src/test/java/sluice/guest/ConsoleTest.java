package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ConsoleTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(10);

    private final PipedOutputStream guest = new PipedOutputStream();
    private final ByteArrayOutputStream typed = new ByteArrayOutputStream();
    private final List<String> heard = new CopyOnWriteArrayList<>();
    private final Console console = new Console("the guest", new PipedInputStream(guest), typed, () -> "because",
            heard::add);

    ConsoleTest() throws IOException {
        // The fields above connect the pipe.
    }

    private void print(String text) throws IOException {
        guest.write(text.getBytes(StandardCharsets.UTF_8));
        guest.flush();
    }

    @Test
    void eachLineIsSeenOnceAndWithoutTerminalCodes() throws Exception {
        print("\u001b[2J\u001b[1;1Hone 1\r\ntwo\r\none 2\r\n");
        assertThat(console.waitFor("^one (\\d)$", LONG).group(1)).isEqualTo("1");
        assertThat(console.waitFor("^one (\\d)$", LONG).group(1)).isEqualTo("2");
        assertThat(heard).containsExactly("one 1", "two", "one 2");
        assertThat(console.lines()).containsExactly("one 1", "two", "one 2");
    }

    @Test
    void aFailedWaitShowsTheLastLinesAndTheBackground() throws Exception {
        print("panic: no init\n");
        console.waitFor("panic", LONG);
        assertThatThrownBy(() -> console.waitFor("ready", SHORT)).isInstanceOf(IOException.class)
                .hasMessage("the guest printed no line that matches \"ready\" within 50 ms. Its last lines:\n"
                        + "panic: no init\nbecause");
    }

    @Test
    void theEndOfTheConsoleEndsAWaitAtOnce() throws Exception {
        print("bye\n");
        guest.close();
        assertThatThrownBy(() -> console.waitFor("ready", LONG)).isInstanceOf(IOException.class)
                .hasMessageContaining("ended without a line").hasMessageContaining("bye");
    }

    @Test
    void aTypedLineHasItsEnd() throws Exception {
        console.send("quit");
        assertThat(typed.toString(StandardCharsets.UTF_8)).isEqualTo("quit\n");
    }
}
