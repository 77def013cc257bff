package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Reading events. The requests to a node need a machine with one: the guest tests have it. */
class EvdevTest {
    private static final int CAPACITY = 4;

    private static void send(Fd socket, byte[] bytes) throws Exception {
        try (SocketMessage message = new SocketMessage(1)) {
            message.add(Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, bytes), 0, bytes.length);
            assertThat(message.send(socket)).isEqualTo(bytes.length);
        }
    }

    private static byte[] event(int type, int code, int value) {
        return ByteBuffer.allocate(Evdev.EVENT_BYTES).order(ByteOrder.nativeOrder()).putLong(1).putLong(2)
                .putShort((short) type).putShort((short) code).putInt(value).array();
    }

    @Test
    void eventsAreReadAsTheyCome() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd sender = pair.second(); Evdev node = Evdev.of(pair.first(), CAPACITY)) {
            assertThat(node.read()).as("nothing has come").isZero();
            for (int i = 0; i < CAPACITY + 1; i++) send(sender, event(3, 0x2f + i, -i));
            assertThat(node.read()).as("as many as fit").isEqualTo(CAPACITY);
            for (int i = 0; i < CAPACITY; i++) {
                assertThat(node.type(i)).isEqualTo(3);
                assertThat(node.code(i)).isEqualTo(0x2f + i);
                assertThat(node.value(i)).isEqualTo(-i);
            }
            assertThat(node.read()).isEqualTo(1);
            assertThat(node.code(0)).isEqualTo(0x2f + CAPACITY);
            assertThatThrownBy(() -> node.code(1)).isInstanceOf(IndexOutOfBoundsException.class);
            UnixSocket.shutdown(sender);
            assertThat(node.read()).as("the end").isEqualTo(-1);
        }
    }

    @Test
    void partsOfEventsAreRefused() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd sender = pair.second(); Evdev node = Evdev.of(pair.first(), CAPACITY)) {
            send(sender, new byte[Evdev.EVENT_BYTES - 1]);
            MemfdTest.assertFails(Errno.EINVAL, "read", node::read);
        }
    }

    @Test
    void anEventIsWrittenAsItIsRead() throws Exception {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Evdev sender = Evdev.of(pair.second(), 1); Evdev node = Evdev.of(pair.first(), 1)) {
            sender.write(0x11, 1, 1);
            assertThat(node.read()).isEqualTo(1);
            assertThat(node.type(0)).isEqualTo(0x11);
            assertThat(node.code(0)).isEqualTo(1);
            assertThat(node.value(0)).isEqualTo(1);
        }
    }

    @Test
    void otherFilesAreRefused() throws Exception {
        int before = Fd.openCount();
        MemfdTest.assertFails(Errno.ENOTTY, "ioctl EVIOCGVERSION", () -> Evdev.open(Path.of("/dev/null"), CAPACITY));
        MemfdTest.assertFails(Errno.ENOENT, "open", () -> Evdev.open(Path.of("/nonexistent"), CAPACITY));
        assertThat(Fd.openCount()).isEqualTo(before);
    }
}
