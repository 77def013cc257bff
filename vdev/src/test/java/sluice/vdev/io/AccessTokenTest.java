package sluice.vdev.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class AccessTokenTest {
    @TempDir
    private Path folder;

    @Test
    void randomOnesDiffer() {
        AccessToken token = AccessToken.random();
        assertThat(token.text()).matches("[A-Za-z0-9_-]{24}").isNotEqualTo(AccessToken.random().text());
        assertThat(token.is(token.text())).isTrue();
        assertThat(token.is("")).isFalse();
        assertThat(token.is(token.text() + "a")).isFalse();
    }

    @Test
    void oneInAFileIsWithoutTheLineFeed() throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "0123456789abcdef\n");
        assertThat(AccessToken.of(file).is("0123456789abcdef")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "short", "0123456789abcde/", "0123456789abcdef 0123456789abcdef" })
    void whatIsNoneIsRefused(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("token"), text);
        assertThatThrownBy(() -> AccessToken.of(file)).isInstanceOf(IOException.class)
                .hasMessageContaining("16 to 128 letters");
        assertThatThrownBy(() -> AccessToken.of(folder)).hasMessageContaining("is not a regular file");
    }
}
