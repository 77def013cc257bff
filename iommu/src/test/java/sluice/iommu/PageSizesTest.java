package sluice.iommu;

import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The choice of page sizes, with the behaviours that Linux's generic_pt KUnit tests name. */
class PageSizesTest {
    private static final long SEED = 20260406;
    private static final long KIB4 = 1L << 12;
    private static final long MIB2 = 1L << 21;
    private static final long GIB1 = 1L << 30;

    /** generic_pt best_pgsize: against a search through all sizes. */
    @Test
    void bestPgsize() {
        Random random = new Random(SEED);
        int larger = 0;
        for (int round = 0; round < 200_000; round++) {
            long mask = random.nextLong(); // about a quarter of all sizes
            PageSizes sizes = new PageSizes((random.nextLong() & mask & 0x7fff_ffff_ffff_f000L) | KIB4);
            long iova = random.nextLong() & -(1L << random.nextInt(12, 50));
            long target = random.nextLong() & -(1L << random.nextInt(12, 50));
            long length = (random.nextLong() >>> random.nextInt(50)) & -KIB4;
            long expected = 0;
            for (int bit = 12; bit < 63; bit++) {
                long size = 1L << bit;
                if (sizes.has(size) && ((iova | target) & (size - 1)) == 0
                        && Long.compareUnsigned(size, length) <= 0) {
                    expected = size;
                }
            }
            assertThat(sizes.best(iova, target, length)).isEqualTo(expected);
            if (expected > KIB4) larger++;
        }
        assertThat(larger).isGreaterThan(1000);
    }

    /** generic_pt pgsz_count: the counted pages are all of the best size, and one more would not be. */
    @Test
    void pgszCount() {
        PageSizes sizes = PageSizes.X86;
        assertThat(sizes.count(0, 0, 3 * KIB4)).isEqualTo(3);
        assertThat(sizes.count(0, 0, MIB2)).isEqualTo(1);
        assertThat(sizes.count(0, 0, 5 * MIB2 + KIB4)).isEqualTo(5);
        assertThat(sizes.count(KIB4, KIB4, 2 * MIB2)).isEqualTo(511);
        assertThat(sizes.count(MIB2, MIB2, 3 * GIB1)).isEqualTo(511);
        // The large page cannot come: too little is left behind the boundary.
        assertThat(sizes.count(KIB4, KIB4, MIB2)).isEqualTo(512);
        // Nor here: the two addresses never reach its alignment together.
        assertThat(sizes.count(KIB4, 2 * KIB4, 2 * MIB2)).isEqualTo(1024);
        assertThat(sizes.count(1, 0, MIB2)).isZero();
    }

    /** generic_pt pgsize_boundary: addresses next to every boundary, and at both ends of the space. */
    @Test
    void pgsizeBoundary() {
        PageSizes sizes = PageSizes.X86;
        for (long boundary : new long[]{ MIB2, GIB1, 1L << 39, 1L << 47, 1L << 63 }) {
            assertThat(sizes.best(boundary - KIB4, boundary - KIB4, 2 * GIB1)).isEqualTo(KIB4);
            assertThat(sizes.count(boundary - KIB4, boundary - KIB4, 2 * GIB1)).isEqualTo(1);
            assertThat(sizes.best(boundary, boundary, KIB4)).isEqualTo(KIB4);
        }
        assertThat(sizes.best(0, 0, -KIB4)).as("a length of almost 2^64").isEqualTo(GIB1);
        assertThat(sizes.best(-KIB4, 0, KIB4)).isEqualTo(KIB4);
        assertThat(sizes.best(0, 0, 0)).isZero();
        assertThat(sizes.best(0, 0, KIB4 - 1)).isZero();
    }

    @Test
    void refusesSizesNoTableHas() {
        assertThatThrownBy(() -> new PageSizes(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PageSizes(KIB4 | 2048)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("none below 4 KiB");
        assertThatThrownBy(() -> new PageSizes(Long.MIN_VALUE)).isInstanceOf(IllegalArgumentException.class);
        assertThat(new PageSizes(1L << 16).aligned(0x1_0000)).isTrue();
        assertThat(new PageSizes(1L << 16).aligned(0x1000)).isFalse();
    }
}
