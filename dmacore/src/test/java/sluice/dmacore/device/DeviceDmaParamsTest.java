package sluice.dmacore.device;

import java.lang.reflect.RecordComponent;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What parameters may be, that each is changed alone, and what follows from them. */
@Tag("S16")
class DeviceDmaParamsTest {
    private static final long SEED = 20260611;
    private static final DeviceDmaParams FREE = DeviceDmaParams.throughIommu().withPeerToPeer(true);

    /** A change of one parameter, and the components it may touch. */
    record Change(String name, List<String> touches, UnaryOperator<DeviceDmaParams> change) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Change> changes() {
        return Stream.of(
                new Change("segments", List.of("maxSegmentSize", "maxSegmentCount"), p -> p.withSegments(12345, 67)),
                new Change("boundary", List.of("boundaryMask"), p -> p.withBoundaryMask(0xffff)),
                new Change("alignment", List.of("minAlignMask"), p -> p.withMinAlignMask(0x3f)),
                new Change("contiguous", List.of("contiguous"), p -> p.withContiguous(!p.contiguous())),
                new Change("DMA mask", List.of("dmaMask"), p -> p.withDmaMask(0xffff_ffffL)),
                new Change("granule", List.of("pageGranule"), p -> p.withPageGranule(1 << 16)),
                new Change("translated", List.of("translated"), p -> p.withTranslated(!p.translated())),
                new Change("peer to peer", List.of("peerToPeer"), p -> p.withPeerToPeer(!p.peerToPeer())));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void eachParameterIsChangedAlone(Change change) throws ReflectiveOperationException {
        for (DeviceDmaParams before : List.of(DeviceDmaParams.throughIommu(), DeviceDmaParams.physicallyContiguous(),
                DeviceDmaParams.scatterGather())) {
            DeviceDmaParams after = change.change.apply(before);
            List<String> differ = new ArrayList<>();
            for (RecordComponent component : DeviceDmaParams.class.getRecordComponents()) {
                if (!component.getAccessor().invoke(before).equals(component.getAccessor().invoke(after)))
                    differ.add(component.getName());
            }
            assertThat(differ).containsExactlyElementsOf(change.touches);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, 1, 0xfff, 0xffff_ffffL, Long.MAX_VALUE, -1 })
    void aMaskIsAllOnesFromItsFirstBitOn(long mask) {
        assertThat(FREE.withDmaMask(mask).dmaMask()).isEqualTo(mask);
        assertThat(FREE.withMinAlignMask(mask).minAlignMask()).isEqualTo(mask);
    }

    @ParameterizedTest
    @ValueSource(longs = { 2, 0xffe, 0x1000, 0xf0ff, Long.MIN_VALUE, -2 })
    void anyOtherNumberIsNoMask(long number) {
        assertThatThrownBy(() -> FREE.withDmaMask(number)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("DMA mask 0x%x", number);
        assertThatThrownBy(() -> FREE.withMinAlignMask(number)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("alignment mask 0x%x", number);
        assertThatThrownBy(() -> FREE.withBoundaryMask(number)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("boundary mask 0x%x", number);
    }

    @Test
    void limitsThatNoBufferCouldKeepAreRefused() {
        assertThat(FREE.withSegments(1, 1).mostBytes()).isEqualTo(1);
        assertThatThrownBy(() -> FREE.withSegments(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FREE.withSegments(1, 0)).isInstanceOf(IllegalArgumentException.class);
        // A boundary below a page would cut pages.
        assertThat(FREE.withBoundaryMask(0xfff).boundaryMask()).isEqualTo(0xfff);
        assertThatThrownBy(() -> FREE.withBoundaryMask(0x7ff)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("less than a page");
        assertThat(FREE.withPageGranule(4096).pageGranule()).isEqualTo(4096);
        assertThatThrownBy(() -> FREE.withPageGranule(2048)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FREE.withPageGranule(12288)).isInstanceOf(IllegalArgumentException.class);
    }

    /** max_segment_count × max_segment_size, in whole pages, which may be more than a number holds (row S13). */
    @Test
    void mostBytesIsTheProductOfBothLimits() {
        Random random = new Random(SEED);
        BigInteger most = BigInteger.valueOf(Long.MAX_VALUE);
        int capped = 0;
        for (int i = 0; i < 20_000; i++) {
            long size = Math.max(1, 1 + (random.nextLong() >>> 1 >>> random.nextInt(63)));
            int count = Math.max(1, 1 + (random.nextInt() >>> 1 >>> random.nextInt(31)));
            DeviceDmaParams params = FREE.withSegments(size, count);
            BigInteger piece = BigInteger.valueOf(size <= 4096 ? size : size / 4096 * 4096);
            BigInteger product = piece.multiply(BigInteger.valueOf(count));
            // A limit that nothing reaches is none.
            long expected = product.min(most).longValueExact();
            assertThat(params.mostBytes()).as("seed %d: %s", SEED, params).isEqualTo(expected);
            assertThat(params.withContiguous(true).mostBytes()).isEqualTo(Math.min(expected, size));
            long boundary = 4096L << random.nextInt(20);
            DeviceDmaParams bounded = params.withBoundaryMask(boundary - 1);
            assertThat(bounded.mostBytes()).isEqualTo(piece.min(BigInteger.valueOf(boundary))
                    .multiply(BigInteger.valueOf(count)).min(most).longValueExact());
            if (product.compareTo(most) > 0) capped++;
        }
        assertThat(capped).isBetween(1_000, 19_000);
    }

    /** How a run is cut, against cutting it: a piece is not too long and crosses no boundary. */
    @Test
    @Tag("D15")
    @Tag("D16")
    void aRunIsCutIntoAsManyPiecesAsItIsCutInto() {
        Random random = new Random(SEED);
        for (int i = 0; i < 5_000; i++) {
            DeviceDmaParams params = FREE.withSegments(1 + random.nextInt(random.nextBoolean() ? 100 : 40_000), 100);
            if (random.nextInt(3) > 0) params = params.withBoundaryMask((4096L << random.nextInt(4)) - 1);
            long address = random.nextInt(100_000);
            long length = 1L + random.nextInt(random.nextBoolean() ? 5_000 : 60_000);
            if (random.nextInt(4) == 0) address = Long.MAX_VALUE - length;
            String what = "seed %d: %d bytes at %d, %s".formatted(SEED, length, address, params);
            long pieces = 0;
            for (long done = 0; done < length; pieces++) {
                long piece = params.pieceAt(address + done, length - done);
                assertThat(piece).as(what).isBetween(1L, Math.min(params.maxSegmentSize(), length - done));
                long last = address + done + piece - 1;
                if (params.boundary() != 0) {
                    assertThat(last / params.boundary()).as(what).isEqualTo((address + done) / params.boundary());
                }
                boolean ends = piece == length - done || piece == params.pieceBytes()
                        || (params.boundary() != 0 && (last + 1) % params.boundary() == 0);
                assertThat(ends).as("%s: a piece is as long as it may be", what).isTrue();
                done += piece;
            }
            assertThat(params.pieces(address, length)).as(what).isEqualTo(pieces);
        }
    }

    /** Each wish makes a device pickier, whatever else it wishes. */
    @Test
    @Tag("S42")
    void whoeverTakesLessIsPickier() {
        List<UnaryOperator<DeviceDmaParams>> wishes = List.of(p -> p.withContiguous(true),
                p -> p.withSegments(p.maxSegmentSize(), 16), p -> p.withBoundaryMask(0xffff),
                p -> p.withPageGranule(1 << 16), p -> p.withPeerToPeer(false));
        for (boolean translated : new boolean[]{ true, false }) {
            for (int set = 0; set < 1 << wishes.size(); set++) {
                DeviceDmaParams params = FREE.withTranslated(translated).withDmaMask(-1);
                for (int i = 0; i < wishes.size(); i++) if (((set >> i) & 1) != 0) params = wishes.get(i).apply(params);
                for (int i = 0; i < wishes.size(); i++) {
                    if (((set >> i) & 1) != 0) continue;
                    assertThat(wishes.get(i).apply(params).pickiness()).as("wish %d added to %s", i, params)
                            .isGreaterThan(params.pickiness());
                }
            }
        }
        // Without an IOMMU, addresses are those of the memory: then a mask rules memory out, and a list is long.
        DeviceDmaParams direct = FREE.withTranslated(false).withDmaMask(-1);
        assertThat(direct.withDmaMask(0xffff_ffffL).pickiness()).isGreaterThan(direct.pickiness());
        assertThat(FREE.withDmaMask(0xffff_ffffL).pickiness()).isEqualTo(FREE.pickiness());
        for (UnaryOperator<DeviceDmaParams> wish : wishes.subList(0, 2)) {
            assertThat(wish.apply(direct).pickiness()).isGreaterThan(wish.apply(FREE).pickiness());
        }
        assertThat(DeviceDmaParams.physicallyContiguous().pickiness())
                .as("nothing but contiguity rules so much out")
                .isGreaterThan(direct.withSegments(1 << 16, 16).withDmaMask(0xffff).pickiness());
    }
}
