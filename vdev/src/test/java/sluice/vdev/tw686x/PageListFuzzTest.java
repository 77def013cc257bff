package sluice.vdev.tw686x;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.Test;

import sluice.vdev.fixture.FuzzInput;
import sluice.vdev.fixture.SeedCorpus;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Lists of pages of a fuzzer's making, against an oracle that goes byte by byte: what a list says is written, as it was when it was read
 * and no further than the picture reaches, also where its pages are those of the list.
 *
 * <p>An input is the list's address, first and last entry and the picture's length, 32 bits each, and then memory from {@link #PLACE}
 * on.
 */
class PageListFuzzTest {
    private static final int MEMORY = 1 << 16;
    private static final int PLACE = 0x1000;
    private static final int LONGEST_PICTURE = 1 << 14;
    private static final int VALID = 1 << 30;

    @Test
    void theSeedsAreWhatTheirEncodersMake() throws IOException {
        SeedCorpus.check(PageListFuzzTest.class, "lists", Map.of(
                "scattered-pages",
                seed(PLACE, 0, 255, 9000, VALID | 4096, 0x8000, VALID | 4096, 0x3000, VALID | 4096, 0x6000),
                "a-part-of-a-table", seed(PLACE, 1, 2, 300, 0, 0, VALID | 200, 0x8000, VALID | 200, 0x3000),
                "an-end-too-early", seed(PLACE, 0, 255, 300, VALID | 200, 0x8000, 0, 0x3000),
                "entries-without-bytes", seed(PLACE, 0, 3, 300, VALID, 0x8000, VALID, 0x3000, VALID | 300, 0x4000),
                "pages-that-are-the-list", seed(PLACE, 0, 3, 8000, VALID | 4096, PLACE, VALID | 4096, 0x4000),
                "a-page-at-the-end-of-memory", seed(PLACE, 0, 3, 300, VALID | 300, MEMORY - 299),
                "a-table-at-the-end-of-memory", seed(MEMORY - 8, 0, 1, 300),
                "an-end-before-the-beginning", seed(PLACE, 5, 4, 300),
                "the-longest-entries", seed(PLACE, 0, 1023, LONGEST_PICTURE, -1, 0x3000, -1, 0x8000, -1, 0x4000)));
    }

    private static byte[] seed(int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int number : numbers) bytes.putInt(number);
        return bytes.array();
    }

    @FuzzTest
    void lists(byte[] input) {
        FuzzInput in = new FuzzInput(input);
        long address = Integer.toUnsignedLong(in.i32());
        int first = in.i32() & 0x3ff;
        int last = in.i32() & 0x3ff;
        int length = in.i32() & (2 * LONGEST_PICTURE - 1);
        byte[] memory = new byte[MEMORY];
        byte[] given = in.upTo(MEMORY - PLACE);
        System.arraycopy(given, 0, memory, PLACE, given.length);
        byte[] expected = memory.clone();
        byte[] picture = new byte[length];
        for (int i = 0; i < length; i++) picture[i] = (byte) (i * 31 + 1);

        boolean readable = last >= first && address + 8L * (last + 1) <= MEMORY;
        boolean whole = readable && isWritten(memory, expected, (int) address, first, last, picture);

        MemoryBus bus = new MemoryBus(memory);
        PageList list = new PageList();
        assertThat(list.read(bus, address, first, last)).isEqualTo(readable);
        if (!readable) return;
        assertThat(list.write(bus, MemorySegment.ofArray(picture), length)).isEqualTo(whole);
        assertThat(memory).isEqualTo(expected);
        list.strike(bus);
        assertThat(list.read(bus, address, first, last)).isTrue();
        assertThat(list.begins()).as("a list that is struck").isFalse();
    }

    /** The oracle: whether the whole picture goes to {@code target}, by a list in {@code memory}, which stays as it was. */
    private static boolean isWritten(byte[] memory, byte[] target, int address, int first, int last, byte[] picture) {
        ByteBuffer list = ByteBuffer.wrap(memory.clone()).order(ByteOrder.LITTLE_ENDIAN);
        int done = 0;
        for (int entry = first; entry <= last && done < picture.length; entry++) {
            int head = list.getInt(address + 8 * entry);
            long page = Integer.toUnsignedLong(list.getInt(address + 8 * entry + 4));
            if ((head >>> 30 & 1) == 0) return false;
            int bytes = Math.min(head & 8191, picture.length - done);
            if (bytes > 0 && page + bytes > target.length) return false;
            for (int i = 0; i < bytes; i++) target[(int) page + i] = picture[done + i];
            done += bytes;
        }
        return done == picture.length;
    }
}
