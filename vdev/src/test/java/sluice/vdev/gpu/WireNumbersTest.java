package sluice.vdev.gpu;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/** A number on the wire means what its constant says, and no other number means anything. */
class WireNumbersTest {
    @Test
    void everyCommandIsFoundByItsNumberAndNothingElseIs() {
        Map<Integer, CommandType> known = new HashMap<>();
        for (CommandType type : CommandType.values()) known.put(type.wireNumber(), type);
        assertThat(known).hasSize(CommandType.values().length);
        for (int number = -0x2000; number < 0x2000; number++) {
            assertThat(CommandType.ofWire(number)).isSameAs(known.get(number));
        }
        assertThat(CommandType.ofWire(Integer.MIN_VALUE)).isNull();
        assertThat(CommandType.ofWire(Integer.MAX_VALUE)).isNull();
    }

    @Test
    void everyFormatIsFoundByItsNumberAndNothingElseIs() {
        Map<Integer, PixelFormat> known = new HashMap<>();
        for (PixelFormat format : PixelFormat.values()) known.put(format.wireNumber(), format);
        assertThat(known).hasSize(PixelFormat.values().length);
        for (int number = -0x2000; number < 0x2000; number++) {
            assertThat(PixelFormat.ofWire(number)).isSameAs(known.get(number));
        }
    }

    /** The pixel is given as its bytes lie in memory; ours is 0xAARRGGBB. */
    @ParameterizedTest
    @CsvSource({ "B8G8R8A8, 33221144", "B8G8R8X8, 33221144", "A8R8G8B8, 44112233", "X8R8G8B8, 44112233",
            "R8G8B8A8, 11223344", "R8G8B8X8, 11223344", "A8B8G8R8, 44332211", "X8B8G8R8, 44332211" })
    void redIs11GreenIs22BlueIs33AlphaIs44(PixelFormat format, String bytes) {
        int inMemoryOrder = Integer.parseUnsignedInt(bytes, 16);
        assertThat(PixelFormat.toOurs(format.order(), Integer.reverseBytes(inMemoryOrder)))
                .isEqualTo(0x44112233);
    }

    @Test
    void everyOrderIsAPermutationOfBytes() {
        Random random = new Random(20260112);
        for (PixelFormat.Order order : PixelFormat.Order.values()) {
            for (int i = 0; i < 1_000; i++) {
                int pixel = random.nextInt();
                int ours = PixelFormat.toOurs(order, pixel);
                assertThat(sum(ours)).isEqualTo(sum(pixel));
            }
        }
    }

    private static int sum(int pixel) {
        return (pixel & 0xff) + (pixel >>> 8 & 0xff) + (pixel >>> 16 & 0xff) + (pixel >>> 24);
    }
}
