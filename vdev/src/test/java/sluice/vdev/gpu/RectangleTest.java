package sluice.vdev.gpu;

import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class RectangleTest {
    private static final long SEED = 20260114;

    private final Random random = new Random(SEED);

    private Rectangle small() {
        return new Rectangle(random.nextInt(8), random.nextInt(8), random.nextInt(8), random.nextInt(8));
    }

    private static boolean holds(Rectangle area, long x, long y) {
        return x >= area.x() && x - area.x() < area.width() && y >= area.y() && y - area.y() < area.height();
    }

    @Test
    void anIntersectionHoldsExactlyThePixelsOfBoth() {
        int empty = 0;
        for (int i = 0; i < 5_000; i++) {
            Rectangle a = small();
            Rectangle b = small();
            Rectangle both = a.intersect(b);
            long pixels = 0;
            for (int y = 0; y < 16; y++) {
                for (int x = 0; x < 16; x++) {
                    boolean expected = holds(a, x, y) && holds(b, x, y);
                    assertThat(holds(both, x, y)).as("seed %d: %d,%d in %s and %s", SEED, x, y, a, b)
                            .isEqualTo(expected);
                    pixels += expected ? 1 : 0;
                }
            }
            assertThat(both.isEmpty()).isEqualTo(pixels == 0);
            assertThat(a.overlaps(b)).as("seed %d: %s and %s", SEED, a, b).isEqualTo(pixels > 0);
            assertThat(both.width() >= 0 && both.height() >= 0).isTrue();
            empty += both.isEmpty() ? 1 : 0;
        }
        assertThat(empty).isBetween(500, 4_500);
    }

    @Test
    void liesWithinAPictureIfNoPixelLiesOutside() {
        for (int i = 0; i < 5_000; i++) {
            Rectangle area = small();
            if (area.isEmpty()) continue;
            boolean outside = false;
            for (int y = 0; y < 16; y++) {
                for (int x = 0; x < 16; x++) outside |= holds(area, x, y) && (x >= 9 || y >= 7);
            }
            assertThat(area.isWithin(9, 7)).as("%s", area).isEqualTo(!outside);
        }
    }

    @Test
    void theLargestNumbersOfAGuestDoNotWrapAround() {
        long most = 0xffff_ffffL;
        assertThat(new Rectangle(most, 0, 1, 1).isWithin(16, 16)).isFalse();
        assertThat(new Rectangle(1, 1, most, most).isWithin(16, 16)).isFalse();
        assertThat(new Rectangle(most, most, most, most).isWithin(16_384, 16_384)).isFalse();
        assertThat(new Rectangle(17, 0, 0, 0).isWithin(16, 16)).as("empty, but beyond the edge").isFalse();
        assertThat(new Rectangle(16, 16, 0, 0).isWithin(16, 16)).isTrue();
        assertThat(new Rectangle(most, most, most, most).intersect(new Rectangle(0, 0, 16, 16)).isEmpty()).isTrue();
        assertThat(new Rectangle(0, 0, most, most).intersect(new Rectangle(3, 4, 5, 6)))
                .isEqualTo(new Rectangle(3, 4, 5, 6)).hasToString("5×6 at 3,4");
    }
}
