package sluice.vdev.console;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ConsoleTokenTest {
    @TempDir
    private Path folder;

    @Test
    void randomOnesDiffer() {
        ConsoleToken token = ConsoleToken.random();
        assertThat(token.text()).matches("[A-Za-z0-9_-]{24}").isNotEqualTo(ConsoleToken.random().text());
        assertThat(token.is(token.text())).isTrue();
        assertThat(token.is("")).isFalse();
        assertThat(token.is(token.text() + "a")).isFalse();
    }

    @Test
    void oneInAFileIsWithoutTheLineFeed() throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "0123456789abcdef\n");
        assertThat(ConsoleToken.of(file).is("0123456789abcdef")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "short", "0123456789abcde/", "0123456789abcdef 0123456789abcdef" })
    void whatIsNoneIsRefused(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("token"), text);
        assertThatThrownBy(() -> ConsoleToken.of(file)).isInstanceOf(IOException.class)
                .hasMessageContaining("16 to 128 letters");
        assertThatThrownBy(() -> ConsoleToken.of(folder)).hasMessageContaining("is not a regular file");
    }

    @ParameterizedTest
    @ValueSource(strings = { "8090", ":8090", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", "no.such.host.invalid:1" })
    void whatIsNoAddressIsRefused(String text) {
        assertThatThrownBy(() -> ConsoleAddress.parse(text)).isInstanceOf(IOException.class);
    }

    @Test
    void anAddressOfVersion6IsInBrackets() throws IOException {
        assertThat(ConsoleAddress.text(ConsoleAddress.parse("[::1]:80"))).isEqualTo("[0:0:0:0:0:0:0:1]:80");
        assertThat(ConsoleAddress.text(ConsoleAddress.parse("localhost:0"))).isEqualTo("127.0.0.1:0");
    }
}
