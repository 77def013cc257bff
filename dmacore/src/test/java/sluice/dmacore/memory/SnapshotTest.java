package sluice.dmacore.memory;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntConsumer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SnapshotTest {
    private static final long SEED = 20260106;

    private final MemoryFiles files = new MemoryFiles(1);
    private FileMapping file;
    private final Runs runs = new Runs();
    private byte[] stretch;

    @BeforeEach
    void scatterAFile() throws Exception {
        file = files.filled(8192, 5);
        // Backwards in pieces of 100 bytes, so that nothing merges.
        stretch = new byte[4000];
        for (int i = 0; i < 40; i++) {
            long offset = 8000 - 150L * i;
            runs.add(file, offset, 100);
            MemorySegment.copy(file.segment(), JAVA_BYTE, offset, stretch, 100 * i, 100);
        }
        assertThat(runs.count()).isEqualTo(40);
    }

    @AfterEach
    void unmap() {
        file.release();
        files.awaitUnmapped();
    }

    @Test
    void isAPrivateCopyOfExactlyWhatWasAskedFor() {
        Random random = new Random(SEED);
        Snapshot snapshot = new Snapshot(4000);
        for (int i = 0; i < 2_000; i++) {
            int position = random.nextInt(4001);
            int length = random.nextInt(4001 - position);
            assertThat(snapshot.take(runs, position, length)).isTrue();
            assertThat(snapshot.length()).isEqualTo(length);
            assertThat(snapshot.toByteArray()).as("seed %d: %d bytes at %d", SEED, length, position)
                    .isEqualTo(Arrays.copyOfRange(stretch, position, position + length));
            assertThat(snapshot.view().byteSize()).isEqualTo(length);
        }
    }

    @Test
    void doesNotSeeWhatIsWrittenAfterwards() {
        Snapshot snapshot = new Snapshot(100);
        snapshot.take(runs, 0, 100);
        file.segment().fill((byte) 0);
        assertThat(snapshot.toByteArray()).isEqualTo(Arrays.copyOf(stretch, 100));
        assertThat(snapshot.view().toArray(JAVA_BYTE)).isEqualTo(Arrays.copyOf(stretch, 100));
        assertThat(snapshot.view().isReadOnly()).isTrue();
    }

    @Test
    void readsLittleEndianNumbersAtEveryOffset() {
        Snapshot snapshot = new Snapshot(300);
        snapshot.take(runs, 50, 300);
        ByteBuffer expected = ByteBuffer.wrap(stretch, 50, 300).slice().order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at <= 292; at++) {
            assertThat(snapshot.u8(at)).isEqualTo(expected.get(at) & 0xff);
            assertThat(snapshot.u16(at)).isEqualTo(expected.getShort(at) & 0xffff);
            assertThat(snapshot.u32(at)).isEqualTo(expected.getInt(at));
            assertThat(snapshot.u32AsLong(at)).isEqualTo(expected.getInt(at) & 0xffff_ffffL);
            assertThat(snapshot.u64(at)).isEqualTo(expected.getLong(at));
        }
    }

    @Test
    void readsNothingBeyondItsLengthEvenWhereOldBytesLie() {
        Snapshot snapshot = new Snapshot(4000);
        snapshot.take(runs, 0, 4000);
        for (int length : new int[]{ 0, 1, 7, 8, 24, 255, 256, 257 }) {
            snapshot.take(runs, 0, length);
            refuses(snapshot, 1, snapshot::u8);
            refuses(snapshot, 2, snapshot::u16);
            refuses(snapshot, 4, snapshot::u32);
            refuses(snapshot, 4, snapshot::u32AsLong);
            refuses(snapshot, 8, snapshot::u64);
        }
    }

    private static void refuses(Snapshot snapshot, int bytes, IntConsumer read) {
        int length = snapshot.length();
        if (length >= bytes) read.accept(length - bytes);
        for (int at : new int[]{ length - bytes + 1, length, length + 1, Integer.MAX_VALUE, -1, Integer.MIN_VALUE }) {
            if (at >= 0 && at <= length - bytes) continue;
            assertThatThrownBy(() -> read.accept(at)).isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("%d bytes at %d of a snapshot of %d".formatted(bytes, at, length));
        }
    }

    @Test
    void takesUpToItsLimitAndNothingMore() {
        for (int limit : new int[]{ 0, 1, 24, 255, 256, 257, 1000, 3999 }) {
            Snapshot snapshot = new Snapshot(limit);
            assertThat(snapshot.limit()).isEqualTo(limit);
            assertThat(snapshot.take(runs, 0, limit)).as("the limit itself, %d", limit).isTrue();
            assertThat(snapshot.toByteArray()).isEqualTo(Arrays.copyOf(stretch, limit));
            assertThat(snapshot.take(runs, 0, limit + 1L)).isFalse();
            assertThat(snapshot.length()).isZero();
            assertThat(snapshot.take(runs, 0, 1L << 40)).as("more than an int can hold").isFalse();
            assertThatThrownBy(() -> snapshot.u8(0)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void isEmptyAfterAStretchThatIsTooShort() {
        Snapshot snapshot = new Snapshot(10_000);
        snapshot.take(runs, 0, 10);
        assertThatThrownBy(() -> snapshot.take(runs, 3990, 11)).isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("11 bytes at position 3990 of 4000 bytes");
        assertThat(snapshot.length()).isZero();
    }
}
