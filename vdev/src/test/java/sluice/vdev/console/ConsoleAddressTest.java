package sluice.vdev.console;

import java.io.IOException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ConsoleAddressTest {
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
