package sluice.vdev.vfg7350;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.device.Counter;
import sluice.vdev.fixture.TransportStream;

import static org.assertj.core.api.Assertions.assertThat;

/** The transport stream that is made of coded pictures. */
class TransportMuxTest {
    private static final int PACKET = PacketSource.PACKET_BYTES;

    private final Counter late = new Counter();

    private static StreamSettings settings(EncoderMessages.Wanted wanted) {
        return EncoderMessages.chip(EncoderMessages.start(wanted)).settings();
    }

    /** A picture that says which it is; sizes vary around the mean of the rate. */
    private static byte[] picture(int number, int bytes) {
        byte[] picture = new byte[bytes];
        Arrays.fill(picture, (byte) number);
        ByteBuffer.wrap(picture).putInt(number);
        return picture;
    }

    /** Display order of the n-th picture in the order of decoding, with two B-pictures: 0 3 1 2 6 4 5. */
    private static int shown(int n) {
        if (n == 0) return 0;
        return switch (n % 3) {
            case 1 -> n + 2;
            default -> n - 1;
        };
    }

    private static byte[] take(TransportMux mux, int packets) {
        byte[] bytes = new byte[packets * PACKET];
        for (int i = 0; i < packets; i++) assertThat(mux.packet(bytes, i * PACKET)).as("packet %d", i).isTrue();
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(ints = { 1500, 7024, 27_000 })
    void aStreamFollowsTheRules(int total) {
        StreamSettings settings = settings(new EncoderMessages.Wanted(3, false, true, 27_000, 0, total, false, 0x100,
                0x104, 0x103, 0x10));
        TransportMux mux = new TransportMux(settings, late);
        int size = settings.videoBits() / 8 / 25;
        List<byte[]> pictures = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            byte[] picture = picture(i, i % 10 == 0 ? size * 3 / 2 : size * 9 / 10);
            pictures.add(picture);
            mux.add(picture, 0, picture.length, shown(i));
        }
        int packets = (int) (3.5 * settings.totalBits() / 8 / PACKET);
        TransportStream stream = TransportStream.of(take(mux, packets));
        stream.checkClock(settings.totalBits());
        double buffer = (double) settings.bufferBits() / settings.peakBits();
        stream.checkBuffer(0x100, settings.totalBits(), buffer);
        stream.checkBuffer(0x104, settings.totalBits(), 0.05);
        assertThat(late.getAsLong()).isZero();
        assertThat(stream.mapPid()).isEqualTo(0x10);
        assertThat(stream.clockPid()).isEqualTo(0x103);
        assertThat(stream.maps()).isBetween(30, 36);
        assertThat(stream.clocks()).isGreaterThan(80);
        assertThat(stream.types()).containsExactly(Map.entry(0x100, 2), Map.entry(0x104, 4));
        List<TransportStream.Pes> units = stream.units(0x100);
        assertThat(units).hasSizeGreaterThan(70);
        for (int i = 0; i < units.size(); i++) {
            assertThat(units.get(i).bytes()).as("picture %d", i).isEqualTo(pictures.get(i));
            assertThat(units.get(i).decoded()).isEqualTo(units.getFirst().decoded() + 3600L * i);
            assertThat(units.get(i).shown()).isEqualTo(units.getFirst().decoded() + 3600L * (shown(i) + 1));
        }
        List<TransportStream.Pes> sound = stream.units(0x104);
        assertThat(sound).hasSizeGreaterThan(100).allMatch(unit -> unit.bytes().length == 768);
        assertThat(sound.get(9).shown() - sound.getFirst().shown()).isEqualTo(9 * 2160L);
    }

    @Test
    void itWaitsForAPictureThatIsDueAndContinuesThere() {
        StreamSettings settings = settings(EncoderMessages.Wanted.usual());
        TransportMux mux = new TransportMux(settings, late);
        byte[] bytes = new byte[2000 * PACKET];
        int made = 0;
        while (mux.packet(bytes, made * PACKET))
            made++;
        assertThat(made).as("tables, clock and sound").isBetween(3, 20);
        assertThat(mux.packet(bytes, made * PACKET)).isFalse();
        byte[] picture = picture(7, 5000);
        mux.add(picture, 0, picture.length, 0);
        while (mux.packet(bytes, made * PACKET))
            made++;
        assertThat(mux.pictures()).isZero();
        mux.end();
        for (; made < 2000; made++) assertThat(mux.packet(bytes, made * PACKET)).isTrue();
        TransportStream stream = TransportStream.of(bytes);
        stream.checkClock(settings.totalBits());
        assertThat(stream.packets().get(0x1fff)).as("null packets instead of pictures").isGreaterThan(1500);
    }

    @Test
    void picturesWithMoreBitsThanTheirRateAreLateAndNotLost() {
        StreamSettings settings = settings(EncoderMessages.Wanted.usual());
        TransportMux mux = new TransportMux(settings, late);
        for (int i = 0; i < 10; i++) {
            byte[] picture = picture(i, 200_000);
            mux.add(picture, 0, picture.length, i);
        }
        mux.end();
        TransportStream stream = TransportStream.of(take(mux, 13_000));
        assertThat(stream.units(0x100)).hasSize(9);
        assertThat(late.getAsLong()).isPositive();
    }

    @Test
    void aClockInThePidOfThePicturesKeepsTheirCounter() {
        for (int clockPid : new int[]{ 0x100, 0x104 }) {
            StreamSettings settings = settings(
                    new EncoderMessages.Wanted(3, false, true, 4000, 0, 5024, false, 0x100, 0x104, clockPid, 0x10));
            TransportMux mux = new TransportMux(settings, late);
            for (int i = 0; i < 20; i++) mux.add(picture(i, 20_000), 0, 20_000, i);
            mux.end();
            TransportStream stream = TransportStream.of(take(mux, 3000));
            stream.checkClock(settings.totalBits());
            assertThat(stream.clockPid()).isEqualTo(clockPid);
        }
    }

    @Test
    void withoutTablesNoneAreSent() {
        TransportMux mux = new TransportMux(new EncoderChip().settings(), late);
        mux.end();
        TransportStream stream = TransportStream.of(take(mux, 3000));
        assertThat(stream.mapPid()).isEqualTo(-1);
        assertThat(stream.packets()).containsOnlyKeys(0x103, 0x104, 0x1fff);
    }

    @Test
    void otherPidsHoldFromTheNextPacketOn() {
        TransportMux mux = new TransportMux(settings(EncoderMessages.Wanted.usual()), late);
        mux.end();
        take(mux, 100);
        mux.set(settings(new EncoderMessages.Wanted(3, false, false, 4000, 6000, 7024, false, 0x200, 0x204, 0x203,
                0x20)));
        assertThat(TransportStream.of(take(mux, 3000)).packets()).containsOnlyKeys(0, 0x20, 0x203, 0x204, 0x1fff);
    }
}
