package sluice.dmacore.trace.recording;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.trace.EventKind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * Files that are not as a recorder leaves them. What is damaged here is written by hand, from what {@link Layout} says, and not
 * by a recorder.
 */
class DamageTest {
    private static final int CAPACITY = 16;
    private static final int NAMES = 64;
    private static final int RECORDS = 4096 + NAMES;
    private static final int SIZE = RECORDS + CAPACITY * 64;

    @TempDir
    private Path folder;

    private final ByteBuffer good = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);

    /** Twenty events in a ring of sixteen, and one name. */
    @BeforeEach
    @SuppressWarnings("EnumOrdinal") // the numbers of recordings are the ordinals
    void make() {
        good.put(0, "SLUICEFR".getBytes(StandardCharsets.US_ASCII)).putInt(8, 2).putInt(12, 64).putLong(16, CAPACITY)
                .putLong(24, 4096).putLong(32, NAMES).putLong(40, RECORDS).putLong(48, 1_000_000).putLong(56, 500)
                .putLong(64, 77).putLong(128, 20).putLong(192, 3).putLong(256, 13).putLong(264, 2).putLong(272, 1);
        good.putInt(4096, 9).putInt(4100, 5).put(4104, "frame".getBytes(StandardCharsets.UTF_8));
        for (int sequence = 5; sequence <= 20; sequence++) {
            int at = at(sequence);
            good.putLong(at, sequence).putLong(at + 8, 500 + sequence).putLong(at + 16, 1).putLong(at + 24, 2)
                    .putLong(at + 32, 3).putLong(at + 40, 4).putInt(at + 48, 5).putInt(at + 52, 6).putInt(at + 56, 7)
                    .putInt(at + 60, EventKind.COPY.ordinal());
        }
    }

    private static int at(int sequence) {
        return RECORDS + (sequence - 1) % CAPACITY * 64;
    }

    private Path write(int length) throws IOException {
        return Files.write(folder.resolve("file.rec"), Arrays.copyOf(good.array(), length));
    }

    private record Read(List<Event> events, Missed missed, Names names) {}

    private Read read(int length) throws IOException {
        try (Recording recording = Recording.open(write(length))) {
            EventCursor cursor = recording.events();
            List<Event> events = new ArrayList<>();
            for (Event event = cursor.next(); event != null; event = cursor.next()) events.add(event);
            return new Read(events, cursor.missed(), recording.names());
        }
    }

    @Test
    void anUndamagedFileIsReadAsItsLayoutSays() throws IOException {
        Read read = read(SIZE);
        assertThat(read.events()).hasSize(16);
        assertThat(read.events().getFirst()).isEqualTo(new Event(5, 505, EventKind.COPY, 5, 6, 7, 1, 2, 3, 4, 0));
        assertThat(read.events().getLast().sequence()).isEqualTo(20);
        assertThat(read.missed()).isEqualTo(new Missed(4, 0, 0, 0));
        assertThat(read.names()).isEqualTo(new Names(Map.of(9, "frame"), false));
        try (Recording recording = Recording.open(write(SIZE))) {
            assertThat(recording.header())
                    .isEqualTo(new RecordingHeader(CAPACITY, NAMES, 1_000_000, 500, 77, 20, 3, 13, 2, true));
            assertThat(recording.header().sinceStart(505)).isEqualTo(5);
        }
    }

    @Test
    void ofACutOffFileIsReadWhatIsThere() throws IOException {
        for (int length = 280; length <= SIZE; length++) {
            Read read = read(length);
            int left = Math.max(0, length - RECORDS) / 64;
            assertThat(read.events()).as("events of %d bytes", length).hasSize(left);
            assertThat(read.missed()).isEqualTo(new Missed(4, 0, CAPACITY - left, 0));
            assertThat(read.missed().isDamage()).isEqualTo(left < CAPACITY);
            assertThat(read.names().isDamaged()).isEqualTo(length < 4096 + 13);
            assertThat(read.names().byNumber()).hasSize(length < 4096 + 13 ? 0 : 1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 279 })
    void aFileWithoutAWholeHeaderIsNone(int length) {
        assertThatThrownBy(() -> read(length)).isInstanceOf(RecordingException.class)
                .hasMessageContaining("file.rec is not a recording: it has " + length + " bytes");
    }

    @ParameterizedTest
    @CsvSource({ "0, 77, does not begin with", "8, 3, knows version 2", "12, 128, its records have 128 bytes",
            "16, 17, power of two", "16, 0, power of two", "16, -16, power of two", "16, 134217728, power of two",
            "32, 63, multiple of 64", "32, -64, multiple of 64", "32, 8388608, multiple of 64",
            "24, 4097, contradicts itself", "40, 4096, contradicts itself", "128, -1, counts -1 events",
            "128, 9223372036854775807, counts 9223372036854775807 events" })
    void aHeaderThatCannotBeIsRefusedInASentence(int at, long value, String sentence) {
        if (at == 8 || at == 12) {
            good.putInt(at, (int) value);
        } else {
            good.putLong(at, value);
        }
        assertThatThrownBy(() -> read(SIZE)).isInstanceOf(RecordingException.class).hasMessageContaining("file.rec")
                .hasMessageContaining(sentence);
    }

    @Test
    void aRecordThatSomebodyWasAtIsCounted() throws IOException {
        good.putLong(at(6), -6); // begun
        good.putLong(at(20), 20 - CAPACITY); // claimed, and what is older is still there
        good.putLong(at(8), 0); // never used
        good.putLong(at(9), 9 + CAPACITY); // overtaken
        good.putLong(at(10), -10 - CAPACITY); // just being overtaken
        Read read = read(SIZE);
        assertThat(read.events()).extracting(Event::sequence).containsExactly(5L, 7L, 11L, 12L, 13L, 14L, 15L,
                16L, 17L, 18L, 19L);
        assertThat(read.missed()).isEqualTo(new Missed(4 + 2, 3, 0, 0));
        assertThat(read.missed().isDamage()).isFalse();
    }

    @Test
    void theThreadIsBesideTheKind() throws IOException {
        int kind = good.getInt(at(9) + 60);
        good.putInt(at(9) + 60, kind | 0xfffe << 16);
        Read read = read(SIZE);
        assertThat(read.events()).filteredOn(event -> event.sequence() == 9).singleElement().satisfies(event -> {
            assertThat(event.kind()).isEqualTo(EventKind.COPY);
            assertThat(event.thread()).isEqualTo(0xfffe);
        });
        assertThat(read.missed()).isEqualTo(new Missed(4, 0, 0, 0));
    }

    @Test
    void aKindOfTheFutureIsCounted() throws IOException {
        good.putInt(at(6) + 60, EventKind.values().length);
        good.putInt(at(7) + 60, -2);
        Read read = read(SIZE);
        assertThat(read.events()).hasSize(14);
        assertThat(read.missed()).isEqualTo(new Missed(4, 0, 0, 2));
        assertThat(read.missed().isDamage()).isTrue();
    }

    @Test
    void moreEventsThanThereAreRecordsOfAreNotInvented() throws IOException {
        good.putLong(128, 1L << 62);
        Read read = read(SIZE);
        assertThat(read.events()).isEmpty();
        assertThat(read.missed()).isEqualTo(new Missed((1L << 62) - CAPACITY, CAPACITY, 0, 0));
    }

    @ParameterizedTest
    @CsvSource({ "0, 0", "0, -9", "4, -1", "4, 201", "4, 6" })
    void namesEndWhereTheyAreDamaged(int at, int value) throws IOException {
        good.putInt(4096 + at, value);
        assertThat(read(SIZE).names()).isEqualTo(new Names(Map.of(), true));
    }

    @ParameterizedTest
    @ValueSource(longs = { -1, 65, Long.MAX_VALUE, Long.MIN_VALUE, 14 })
    void anEndOfNamesThatCannotBeIsSaid(long end) throws IOException {
        good.putLong(256, end);
        assertThat(read(SIZE).names().isDamaged()).isTrue();
    }
}
