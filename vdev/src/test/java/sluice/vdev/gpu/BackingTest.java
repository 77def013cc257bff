package sluice.vdev.gpu;

import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.BusList;

import static org.assertj.core.api.Assertions.assertThat;

/** The pages behind a resource. */
class BackingTest {
    private static Backing backing(long... ranges) {
        return new Backing(BusList.of(ranges));
    }

    @Test
    void aListOfNoBytesIsMappedWithoutAnything() {
        assertThat(backing().isMapped(1)).isTrue();
        assertThat(backing(0x1000, 0).isMapped(1)).isTrue();
        assertThat(backing(0x1000, 1).isMapped(1)).isFalse();
    }

    @Test
    void entriesThatAreNotOfWholePagesCostMore() {
        long page = backing(0x1000, 0x1000).heapBytes();
        assertThat(backing(0x1000, 0x800, 0x1800, 0x800).heapBytes()).as("a page in two pieces").isEqualTo(page);
        long loose = backing(0x1000, 0x1000, 0x4000, 0x801).heapBytes() - page;
        assertThat(backing(0x1000, 0x1000, 0x4000, 0x1000).heapBytes() - page).isLessThan(loose);
        assertThat(backing(0x1000, 0x1000, 0x4001, 0x1000).heapBytes() - page).isEqualTo(loose);
    }
}
