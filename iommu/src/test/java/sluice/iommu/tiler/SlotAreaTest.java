package sluice.iommu.tiler;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.iommu.tiler.TiledAperture.SLOTS_HIGH;
import static sluice.iommu.tiler.TiledAperture.SLOTS_WIDE;

/** Rectangles of slots that come and go, against a search of all places. */
class SlotAreaTest {
    private static final long SEED = 20260601;
    private static final int STEPS = 400;

    private record Rectangle(int x, int y, int wide, int high) {}

    private final Random random = new Random(SEED);
    private final boolean[][] taken = new boolean[SLOTS_HIGH][SLOTS_WIDE];

    private boolean isFree(Rectangle place) {
        for (int y = place.y; y < place.y + place.high; y++) {
            for (int x = place.x; x < place.x + place.wide; x++) if (taken[y][x]) return false;
        }
        return true;
    }

    private int topmostLeftmost(int wide, int high) {
        for (int y = 0; y + high <= SLOTS_HIGH; y++) {
            for (int x = 0; x + wide <= SLOTS_WIDE; x++) {
                if (isFree(new Rectangle(x, y, wide, high))) return y * SLOTS_WIDE + x;
            }
        }
        return -1;
    }

    private int mark(Rectangle place, boolean value) {
        for (int y = place.y; y < place.y + place.high; y++) {
            for (int x = place.x; x < place.x + place.wide; x++) taken[y][x] = value;
        }
        return place.wide * place.high;
    }

    private int side(int most) {
        return switch (random.nextInt(8)) {
            case 0 -> most;
            case 1 -> 1;
            default -> 1 + random.nextInt(most / 3);
        };
    }

    @Test
    void theTopmostAndLeftmostPlaceIsTaken() {
        SlotArea area = new SlotArea();
        List<Rectangle> held = new ArrayList<>();
        int slots = 0;
        int full = 0;
        for (int step = 0; step < STEPS; step++) {
            if (!held.isEmpty() && random.nextInt(5) < 2) {
                Rectangle gone = held.remove(random.nextInt(held.size()));
                area.giveBack(gone.y * SLOTS_WIDE + gone.x, gone.wide, gone.high);
                slots -= mark(gone, false);
            } else {
                int wide = side(SLOTS_WIDE);
                int high = side(SLOTS_HIGH);
                int expected = topmostLeftmost(wide, high);
                assertThat(area.take(wide, high)).as("seed %d, step %d: %d×%d", SEED, step, wide, high)
                        .isEqualTo(expected);
                if (expected < 0) {
                    full++;
                } else {
                    held.add(new Rectangle(expected % SLOTS_WIDE, expected / SLOTS_WIDE, wide, high));
                    slots += mark(held.getLast(), true);
                }
            }
            assertThat(area.count()).isEqualTo(slots);
        }
        assertThat(full).as("times without room").isBetween(20, STEPS / 2);
    }

    @Test
    void theWholeAreaIsOneRectangle() {
        SlotArea area = new SlotArea();
        assertThat(area.take(SLOTS_WIDE, SLOTS_HIGH)).isZero();
        assertThat(area.take(1, 1)).isEqualTo(-1);
        area.giveBack(0, SLOTS_WIDE, SLOTS_HIGH);
        assertThat(area.count()).isZero();
    }
}
