package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;
import java.util.Random;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

/** Pixels out of scattered memory, against one pixel at a time. */
class TransferTest {
    private static final long SEED = 20260111;
    private static final int CASES = 1_500;

    /** Where a channel lies in a pixel: formats are named by their bytes in memory, such as A8R8G8B8. */
    private static int place(PixelFormat format, char channel) {
        return format.name().replace("8", "").indexOf(channel);
    }

    /** The pixel at {@code at} in the order of our images: blue, green, red, and alpha if the format has it. */
    private static void expect(PixelFormat format, byte[] backing, int at, byte[] image, int target) {
        String ours = place(format, 'A') >= 0 ? "BGRA" : "BGRX";
        for (int i = 0; i < 4; i++) image[target + i] = backing[at + place(format, ours.charAt(i))];
    }

    private static Runs from(Runs runs, long offset) {
        Runs rest = new Runs();
        for (int run = 0; run < runs.count(); run++) {
            long skip = Math.clamp(offset - runs.start(run), 0, runs.length(run));
            if (skip < runs.length(run))
                rest.add(runs.mapping(run), runs.offset(run) + skip, runs.length(run) - skip);
        }
        return rest;
    }

    @ParameterizedTest
    @EnumSource
    void everyPixelOfTheAreaIsConvertedAndNoOther(PixelFormat format) throws Exception {
        Random random = new Random(SEED);
        int whole = 0;
        int split = 0;
        try (ScatteredMemory memory = new ScatteredMemory(SEED)) {
            for (int i = 0; i < CASES; i++) {
                int width = 1 + random.nextInt(40);
                int height = 1 + random.nextInt(12);
                int x = random.nextInt(3) == 0 ? 0 : random.nextInt(width);
                int columns = x == 0 && random.nextBoolean() ? width : 1 + random.nextInt(width - x);
                int y = random.nextInt(height);
                int rows = 1 + random.nextInt(height - y);
                int offset = random.nextInt(100);
                int stride = width * 4;
                // Not a byte more than the area needs, half the time: the last pixel ends the backing.
                int length = offset + (rows - 1) * stride + columns * 4 + (random.nextBoolean() ? 0 : 50);
                ScatteredMemory.Stretch backing = memory.cut(length, random.nextBoolean() ? 11 : 300);

                HostImage image = new HostImage(width, height);
                byte[] before = new byte[stride * height];
                random.nextBytes(before);
                image.pixels().copyFrom(MemorySegment.ofArray(before));
                byte[] expected = before.clone();
                for (int row = 0; row < rows; row++) {
                    for (int column = 0; column < columns; column++) {
                        expect(format, backing.bytes(), offset + row * stride + column * 4, expected,
                                (y + row) * stride + (x + column) * 4);
                    }
                }
                long copied = Transfer.copy(from(backing.runs(), offset),
                        new Rows().set(offset, columns * 4L, stride, rows), format, image.pixels(),
                        (long) y * stride + x * 4L, stride);
                assertThat(copied).isEqualTo(4L * columns * rows);
                assertThat(image.pixels().toArray(JAVA_BYTE))
                        .as("seed %d, case %d: %d×%d at %d,%d of %d×%d, offset %d, %d runs", SEED, i, columns, rows, x,
                                y, width, height, offset, backing.runs().count())
                        .isEqualTo(expected);
                image.release();
                if (columns == width) whole++;
                if (backing.runs().count() > rows * columns / 4) split++;
            }
        }
        assertThat(whole).as("areas of whole rows").isGreaterThan(CASES / 20);
        assertThat(split).as("finely cut backings").isGreaterThan(CASES / 4);
    }
}
