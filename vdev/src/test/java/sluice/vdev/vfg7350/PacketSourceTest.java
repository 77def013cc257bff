package sluice.vdev.vfg7350;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** Where the card's packets come from. */
class PacketSourceTest {
    private static final int PACKET = PacketSource.PACKET_BYTES;

    @TempDir
    private Path folder;

    /** Packets that begin with the synchronization byte and are full of their number. */
    private Path stream(int packets, int more) throws IOException {
        byte[] bytes = new byte[packets * PACKET + more];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (i % PACKET == 0 ? 0x47 : i / PACKET + 1);
        return Files.write(folder.resolve("stream.ts"), bytes);
    }

    /** As {@code is_whole} of guest-tests' {@code stream.c}, in its 32 bits. */
    private static boolean isWhole(byte[] bytes, int index) {
        ByteBuffer packet = ByteBuffer.wrap(bytes, index * PACKET, PACKET).slice();
        int buffer = packet.getInt(4);
        if (packet.get(0) != 0x47 || packet.getInt(8) != index) return false;
        for (int i = 12; i < PACKET; i++) if (packet.get(i) != (byte) (buffer * 31 + index * 7 + i)) return false;
        return true;
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, 1, 255, 256, 0x7fff_ffffL, 0xffff_ffffL, 0x1_0000_0003L })
    void numberedPacketsAreWhatTheGuestsProgramExpects(long buffer) {
        byte[] bytes = new byte[PACKET * 300];
        new NumberedPackets().fill(buffer, 299, bytes);
        for (int packet = 0; packet < 299; packet++) {
            assertThat(isWhole(bytes, packet)).as("packet %d", packet).isTrue();
            ByteBuffer header = ByteBuffer.wrap(bytes, packet * PACKET, 8);
            assertThat(header.getInt()).as("a null packet, payload only").isEqualTo(0x471fff10);
            assertThat(header.getInt()).isEqualTo((int) buffer);
        }
        assertThat(Arrays.copyOfRange(bytes, PACKET * 299, bytes.length)).as("no more than asked for")
                .containsOnly(0);
    }

    @ParameterizedTest
    @CsvSource({ "1, 0", "3, 0", "5, 187" })
    void aFileIsSentOverAndOver(int packets, int more) throws IOException {
        try (PacketFile file = PacketFile.open(stream(packets, more))) {
            int number = 0;
            for (int round = 0; round < 5; round++) {
                byte[] bytes = new byte[4 * PACKET];
                file.fill(round, 4, bytes);
                for (int i = 0; i < 4; i++, number++) {
                    assertThat(bytes[i * PACKET]).isEqualTo((byte) 0x47);
                    assertThat(bytes[i * PACKET + 1]).isEqualTo((byte) (number % packets + 1));
                    assertThat(bytes[i * PACKET + PACKET - 1]).isEqualTo((byte) (number % packets + 1));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({ "0, 0", "0, 187" })
    void aFileWithoutAWholePacketIsRefused(int packets, int more) throws IOException {
        Path path = stream(packets, more);
        assertThatIOException().isThrownBy(() -> PacketFile.open(path))
                .withMessage(path + " is not a transport stream of packets of 188 bytes");
    }

    @Test
    void anotherKindOfFileIsRefused() throws IOException {
        Path path = Files.write(folder.resolve("picture"), new byte[1000]);
        assertThatIOException().isThrownBy(() -> PacketFile.open(path))
                .withMessageContaining("is not a transport stream");
        assertThatIOException().isThrownBy(() -> PacketFile.open(folder));
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> PacketFile.open(folder.resolve("nothing")));
    }

    @Test
    void aFileThatBecomesShorterIsSaid() throws IOException {
        Path path = stream(5, 0);
        try (PacketFile file = PacketFile.open(path)) {
            Files.write(path, new byte[PACKET]);
            assertThatExceptionOfType(UncheckedIOException.class)
                    .isThrownBy(() -> file.fill(0, 3, new byte[3 * PACKET]))
                    .withCauseInstanceOf(EOFException.class).withMessageContaining("the file has become shorter");
        }
    }
}
