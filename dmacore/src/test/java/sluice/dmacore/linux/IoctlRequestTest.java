package sluice.dmacore.linux;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** {@code NativeLayoutTest} compares the numbers of all requests with the C headers' own. */
class IoctlRequestTest {
    @Test
    void aRequestIsDirectionSizeTypeAndNumber() {
        assertThat(IoctlRequest.write("W", 'b', 3, 8).number()).isEqualTo(0x40086203L);
        assertThat(IoctlRequest.readWrite("RW", 'H', 0, 24).number()).isEqualTo(0xc0184800L);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> IoctlRequest.write("W", '\u0100', 0, 8)).hasMessageContaining("256, 0 and 8");
        assertThatThrownBy(() -> IoctlRequest.write("W", 'b', 256, 8)).hasMessageContaining("98, 256 and 8");
        assertThatThrownBy(() -> IoctlRequest.write("W", 'b', 0, 16384)).hasMessageContaining("at most 16383 bytes");
    }
}
