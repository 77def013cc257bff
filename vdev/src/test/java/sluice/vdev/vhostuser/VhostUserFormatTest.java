package sluice.vdev.vhostuser;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.io.ProtocolViolation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The end of a message, and data that is not vhost-user. */
class VhostUserFormatTest {
    private static final int REQUEST = 7;

    private final VhostUserFormat format = new VhostUserFormat();

    private static ByteBuf header(int flags, int size) {
        return Unpooled.buffer(12).writeIntLE(REQUEST).writeIntLE(flags).writeIntLE(size);
    }

    @Test
    void aHeaderIsRequestFlagsAndSize() {
        assertThat(format.headerBytes()).isEqualTo(12);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 268, 4096 })
    void aBodyHasTheBytesThatItsHeaderSays(int size) throws ProtocolViolation {
        assertThat(format.bodyBytes(header(1, size))).isEqualTo(size);
        assertThat(format.bodyBytes(header(0xfffffffd, size))).as("all other flags").isEqualTo(size);
    }

    @ParameterizedTest
    @ValueSource(ints = { 4097, Integer.MAX_VALUE, Integer.MIN_VALUE, -1 })
    void aLongerBodyIsRefused(int size) {
        assertThatThrownBy(() -> format.bodyBytes(header(1, size))).isInstanceOf(ProtocolViolation.class)
                .hasMessage("message 7 announces a body of %d bytes; the limit is 4096",
                        Integer.toUnsignedLong(size));
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 2, 3, 0xfffffffc })
    void anotherVersionIsRefused(int flags) {
        assertThatThrownBy(() -> format.bodyBytes(header(flags, 8))).isInstanceOf(ProtocolViolation.class)
                .hasMessageContaining("carry version %d instead of 1", flags & 3);
    }
}
