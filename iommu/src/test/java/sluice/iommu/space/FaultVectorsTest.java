package sluice.iommu.space;

import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.TargetRuns;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.iommu.space.SpaceFixture.KIB4;
import static sluice.iommu.space.SpaceFixture.refused;

/** What real QEMUs and guests were seen to do to a back-end, replayed. */
class FaultVectorsTest {
    /** Linux's VT-d driver in lazy mode flushes everything but the window of interrupts, in two messages. */
    private static final AddressRange BELOW_INTERRUPTS = new AddressRange(0, 0xfedf_ffffL);
    private static final AddressRange ABOVE_INTERRUPTS = AddressRange.of(0xfef0_0000L, 0xffff_ffff_0110_0000L);
    private static final long FRAME = 0xff80_0000L;
    private static final int PAGES = 2025;

    private final TranslationCache cache = TranslationCache.open(TranslationCacheOptions.of("iotlb", 48));
    private final Reader reader = cache.openReader();
    private final TargetRuns runs = new TargetRuns();

    private Outcome translate(long iova, long length, Access access) {
        runs.clear();
        try (var _ = reader.enter()) {
            return reader.translate(iova, length, access, runs);
        }
    }

    /** Fills the frame page by page, as misses are answered, from where the translation stops. Returns the misses. */
    private int fill(int most) throws MapException {
        int misses = 0;
        while (misses < most && translate(FRAME, PAGES * KIB4, Access.READ) == Outcome.MISS) {
            long missed = reader.result().address();
            cache.insert(missed, KIB4, (missed - FRAME) * 2, Permission.READ_ONLY);
            misses++;
        }
        return misses;
    }

    /** INVALIDATE up to 2^64: address plus size is 0. */
    @Test
    void invalidateUpTo2To64() throws MapException {
        assertThat(ABOVE_INTERRUPTS.last()).isEqualTo(-1);
        assertThat(ABOVE_INTERRUPTS.size()).isEqualTo(0xffff_ffff_0110_0000L);
        cache.insert(0xfee0_0000L, KIB4, 0, Permission.READ_WRITE);
        cache.insert((1L << 48) - KIB4, KIB4, 0, Permission.READ_WRITE);
        cache.insert(0x1000, KIB4, 0, Permission.READ_WRITE);
        assertThat(cache.invalidate(ABOVE_INTERRUPTS).entries()).isEqualTo(1);
        assertThat(cache.invalidate(BELOW_INTERRUPTS).entries()).isEqualTo(1);
        assertThat(cache.size()).isEqualTo(1);
        assertThat(cache.invalidate(new AddressRange(0, -1)).entries()).isEqualTo(1);
    }

    /** A flush may cover 2^64 bytes, and comes some twenty times for a second of work: its cost is what is held. */
    @Test
    void invalidationsOfEverythingCostWhatIsHeld() throws MapException {
        // A loop over the pages of one of these ranges alone would take hours.
        for (int i = 0; i < 10_000; i++) {
            cache.insert(0x1000, KIB4, 0, Permission.READ_WRITE);
            assertThat(cache.invalidate(BELOW_INTERRUPTS).entries()).isEqualTo(1);
            assertThat(cache.invalidate(ABOVE_INTERRUPTS).entries()).isZero();
        }
        SpaceFixture wide = SpaceFixture.of(1L << 48);
        for (int i = 0; i < 10_000; i++) {
            wide.map(0x1000, 0, KIB4);
            assertThat(wide.space.unmap(new AddressRange(0, -1), Splitting.REFUSED).bytes()).isEqualTo(KIB4);
        }
    }

    /** A flush of the whole domain in the middle of filling an attachment: only what was lost is asked for again. */
    @Test
    void fullFlushWhileAnAttachmentIsFilled() throws MapException {
        assertThat(fill(1500)).isEqualTo(1500);
        assertThat(cache.invalidate(BELOW_INTERRUPTS).entries()).isZero();
        assertThat(cache.invalidate(ABOVE_INTERRUPTS).entries()).isEqualTo(1500);
        assertThat(translate(FRAME, KIB4, Access.READ)).isEqualTo(Outcome.MISS);
        assertThat(fill(10_000)).isEqualTo(PAGES);
        assertThat(translate(FRAME, PAGES * KIB4, Access.READ)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs.count()).isEqualTo(PAGES);
        assertThat(cache.size()).isEqualTo(PAGES);
    }

    /** A MISS while QEMU waits for GET_VRING_BASE is never answered: so nothing here waits, a miss is said at once. */
    @Test
    void missDuringGetVringBase() {
        assertThat(translate(0x1000, 16, Access.READ)).isEqualTo(Outcome.MISS);
        assertThat(reader.awaitMapped()).as("there is nothing to wait for").isFalse();
        try (var _ = reader.enter()) {
            assertThat(reader.translate(0x1000, 16, Access.READ, runs)).isEqualTo(Outcome.MISS);
            assertThatThrownBy(reader::awaitMapped).isInstanceOf(IllegalStateException.class);
        }
    }

    /**
     * The guest mapped a buffer write-only. QEMU refuses the read, and answers the write with permission to do both: what
     * counts is what was asked.
     */
    @Test
    void readOfAWriteOnlyBuffer() throws MapException {
        assertThat(translate(0x1000, 16, Access.READ)).isEqualTo(Outcome.MISS);
        FaultRecord fault = cache.refused(new FaultContext(0, 0, 5), 0x1000, 16, Access.READ);
        assertThat(fault.reason()).isEqualTo(FaultReason.FRONT_MISS_REFUSED);
        assertThat(fault).hasToString("iotlb: read of 0x10 bytes at 0x1000: the front-end refused the translation, "
                + "context 0, queue 0, descriptor 5");
        assertThat(translate(0x1000, 16, Access.WRITE)).isEqualTo(Outcome.MISS);
        cache.insert(0x1000, KIB4, 0, Permission.of(Access.WRITE));
        assertThat(translate(0x1000, 16, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
        assertThat(translate(0x1000, 16, Access.READ)).isEqualTo(Outcome.MISS);
    }

    /** 0x12345000 was never mapped. */
    @Test
    void unmapped12345000() throws MapException {
        assertThat(translate(0x1234_5000L, 8, Access.READ)).isEqualTo(Outcome.MISS);
        assertThat(reader.result().address()).isEqualTo(0x1234_5000L);
        assertThat(cache.refused(FaultContext.NONE, 0x1234_5000L, 8, Access.READ).iova()).isEqualTo(0x1234_5000L);
        SpaceFixture fixture = SpaceFixture.of(1L << 32);
        fixture.map(0x1000, 0, KIB4);
        FaultRecord fault = fixture.fault(0x1234_5000L, 8, Access.READ);
        assertThat(fault.reason()).isEqualTo(FaultReason.NOT_MAPPED);
        assertThat(fault.below()).isNotNull();
        assertThat(fault.above()).isNull();
        assertThat(fault.last()).isNull();
    }

    /** QEMU sends identical entries again: nothing changes, and nothing is held twice. */
    @Test
    void duplicateUpdateOfACachedPage() throws MapException {
        for (int i = 0; i < 3; i++) cache.insert(0x1000, KIB4, 0x5000, Permission.READ_ONLY);
        assertThat(cache.size()).isEqualTo(1);
        assertThat(translate(0x1000, 16, Access.READ)).isEqualTo(Outcome.RESOLVED);
        // A smaller entry inside of a larger one says nothing new either.
        cache.insert(1L << 21, 1L << 21, 0, Permission.READ_WRITE);
        cache.insert((1L << 21) + KIB4, KIB4, KIB4, Permission.READ_ONLY);
        assertThat(cache.size()).isEqualTo(2);
    }

    /** An UPDATE longer than its target memory: refused as a whole, with the violated limit. */
    @Test
    void updateThatExceedsTheMemory() {
        refused(Refusal.OUT_OF_APERTURE, 34,
                () -> cache.insert(0x1000, 1L << 40, (1L << 52) - (1L << 39), Permission.READ_WRITE));
        refused(Refusal.OUT_OF_APERTURE, 34,
                () -> cache.insert((1L << 48) - KIB4, 1L << 40, 0, Permission.READ_WRITE));
        assertThat(cache.size()).isZero();
        assertThat(translate(0x1000, 1, Access.READ)).isEqualTo(Outcome.MISS);
    }

    /** The firmware's ring is still polled when the kernel turns its IOMMU on: a miss each time, refused, never a loop. */
    @Test
    void ringAddressLostAtReboot() throws MapException {
        long ring = 0x7ff4_0000L;
        cache.insert(ring, KIB4, 0, Permission.READ_WRITE);
        assertThat(translate(ring, 64, Access.READ)).isEqualTo(Outcome.RESOLVED);
        cache.invalidateAll();
        for (int i = 0; i < 3; i++) {
            assertThat(translate(ring, 64, Access.READ)).isEqualTo(Outcome.MISS);
            cache.refused(FaultContext.NONE, ring, 64, Access.READ);
        }
        assertThat(cache.faults().count(FaultReason.FRONT_MISS_REFUSED)).isEqualTo(3);
        assertThat(cache.size()).isZero();
    }
}
