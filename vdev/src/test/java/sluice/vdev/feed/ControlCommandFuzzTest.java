package sluice.vdev.feed;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.vdev.device.UsKeyboard;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Lines of a script: what each means, and that any other is answered by a sentence in plain ASCII. */
class ControlCommandFuzzTest {
    @Test
    void theSeedsAreWhatAScriptSends() throws IOException {
        SeedCorpus.check(ControlCommandFuzzTest.class, "lines",
                Map.of("a-key", bytes("key 30 1"), "text", bytes("text Hello,\\tWorld!\\n"), "a-position",
                        bytes("abs 100 200"), "a-position-on-a-screen", bytes("abs 1919 1079 1920 1080"), "a-button",
                        bytes("button left 1"), "wheels", bytes("scroll -1 2"), "a-finger", bytes("touch 9 1 2 3 4"),
                        "a-finger-that-leaves", bytes("touch 0 up"), "sync", bytes(" sync\t"), "garbage",
                        new byte[]{ 0, -1, -2, '\\', 0x1b, '[' }));
    }

    private static byte[] bytes(String line) {
        return line.getBytes(StandardCharsets.UTF_8);
    }

    @FuzzTest
    void lines(byte[] input) {
        String line = new String(input, StandardCharsets.UTF_8);
        try {
            switch (ControlCommand.parse(line)) {
                case ControlCommand.Key(int code, boolean _) -> assertThat(code).isBetween(1, 0xffff);
                case ControlCommand.Text(String characters) -> assertThat(characters.chars())
                        .allMatch(c -> UsKeyboard.key(c) != UsKeyboard.NO_KEY);
                case ControlCommand.Position(int x, int y, int width, int height) -> inside(x, y, width, height);
                case ControlCommand.Button(int bit, boolean _) -> assertThat(Integer.bitCount(bit)).isOne();
                case ControlCommand.Scroll(int up, int right) -> {
                    assertThat(up).isBetween(-100, 100);
                    assertThat(right).isBetween(-100, 100);
                }
                case ControlCommand.Touch(int finger, int x, int y, int width, int height) -> {
                    assertThat(finger).isBetween(0, 9);
                    inside(x, y, width, height);
                }
                case ControlCommand.Lift(int finger) -> assertThat(finger).isBetween(0, 9);
                case ControlCommand.Sync() -> assertThat(line.strip()).isEqualTo("sync");
            }
        } catch (WrongCommandException e) {
            assertThat(e.getMessage()).matches("[ -~]{10,300}");
        }
    }

    private static void inside(int x, int y, int width, int height) {
        assertThat(width).isBetween(1, 32768);
        assertThat(height).isBetween(1, 32768);
        assertThat(x).isBetween(0, width - 1);
        assertThat(y).isBetween(0, height - 1);
    }

    @Test
    void everyCommandIsUnderstood() throws WrongCommandException {
        assertThat(ControlCommand.parse("key 30 1")).isEqualTo(new ControlCommand.Key(30, true));
        assertThat(ControlCommand.parse("text  a\\\\b\\n\\t\\b\\e")).isEqualTo(
                new ControlCommand.Text(" a\\b\n\t\b\u001b"));
        assertThat(ControlCommand.parse("abs 1 2")).isEqualTo(new ControlCommand.Position(1, 2, 32768, 32768));
        assertThat(ControlCommand.parse("abs 1 2 3 4")).isEqualTo(new ControlCommand.Position(1, 2, 3, 4));
        assertThat(ControlCommand.parse("button forward 0")).isEqualTo(new ControlCommand.Button(16, false));
        assertThat(ControlCommand.parse("scroll 1")).isEqualTo(new ControlCommand.Scroll(1, 0));
        assertThat(ControlCommand.parse("touch 2 3 4")).isEqualTo(new ControlCommand.Touch(2, 3, 4, 32768, 32768));
        assertThat(ControlCommand.parse("touch 2 up")).isEqualTo(new ControlCommand.Lift(2));
        assertThat(ControlCommand.parse("sync")).isEqualTo(new ControlCommand.Sync());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = { "jump|unknown command; the commands are key", "key 30|write: key CODE 0",
            "key 0 1|\"0\" is not a number from 1 to 65535", "key x 1|\"x\" is not a number",
            "key 30 2|\"2\" is not a number from 0 to 1", "abs 32768 0|from 0 to 32767", "abs 10 0 10 10|from 0 to 9",
            "abs 0 0 0 1|from 1 to 32768", "button top 1|write: button left", "scroll 101|from -100 to 100",
            "touch 10 1 1|from 0 to 9", "touch 1 down|write: touch FINGER X Y", "sync now|write: sync",
            "text|write: text TEXT", "text \\x|after a backslash", "text é|character U+00E9; nothing was typed",
            "text a\\|a backslash at the end", "key \u001b[2J 1|\"?[2J\" is not a number" })
    void whatIsWrongIsAnsweredByASentence(String line, String sentence) {
        assertThatThrownBy(() -> ControlCommand.parse(line)).isInstanceOf(WrongCommandException.class)
                .hasMessageContaining(sentence);
    }
}
