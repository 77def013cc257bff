package sluice.dmacore.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.iommu.TargetRuns;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A list of runs against a list of single bytes, each with its file and its offset. */
class RunsTest {
    private static final long SEED = 20260104;
    private static final int FILE_BYTES = 4096;

    private final MemoryFiles files = new MemoryFiles(3);
    private final List<FileMapping> mappings = new ArrayList<>();
    private final Random random = new Random(SEED);

    /** Where one byte of the stretch lies. */
    private record Place(FileMapping mapping, long offset) {
        byte read() {
            return mapping.segment().get(JAVA_BYTE, offset);
        }

        void write(byte value) {
            mapping.segment().set(JAVA_BYTE, offset, value);
        }

        boolean continues(Place before) {
            return mapping == before.mapping && offset == before.offset + 1;
        }
    }

    @BeforeEach
    void mapThreeFiles() throws Exception {
        for (int i = 0; i < 3; i++) mappings.add(files.filled(FILE_BYTES, i));
    }

    @AfterEach
    void unmap() {
        mappings.forEach(FileMapping::release);
        files.awaitUnmapped();
    }

    private void append(Runs runs, List<Place> oracle) {
        FileMapping mapping = mappings.get(random.nextInt(3));
        long offset = random.nextInt(FILE_BYTES - 64);
        if (!oracle.isEmpty() && random.nextInt(3) == 0) {
            // One that continues the last.
            Place last = oracle.getLast();
            if (last.offset + 64 < FILE_BYTES) {
                mapping = last.mapping;
                offset = last.offset + 1;
            }
        }
        int length = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 5);
        runs.add(mapping, offset, length);
        for (int i = 0; i < length; i++) oracle.add(new Place(mapping, offset + i));
    }

    /** Where runs must begin: merging has to leave no two that continue each other. */
    private static List<Integer> starts(List<Place> oracle) {
        List<Integer> starts = new ArrayList<>();
        for (int i = 0; i < oracle.size(); i++) {
            if (i == 0 || !oracle.get(i).continues(oracle.get(i - 1))) starts.add(i);
        }
        return starts;
    }

    private void assertSame(Runs runs, List<Place> oracle) {
        List<Integer> starts = starts(oracle);
        assertThat(runs.bytes()).isEqualTo(oracle.size());
        assertThat(runs.count()).isEqualTo(starts.size());
        for (int run = 0; run < starts.size(); run++) {
            int start = starts.get(run);
            int end = run + 1 < starts.size() ? starts.get(run + 1) : oracle.size();
            assertThat(runs.start(run)).isEqualTo(start);
            assertThat(runs.length(run)).isEqualTo(end - start);
            assertThat(runs.mapping(run)).isSameAs(oracle.get(start).mapping);
            assertThat(runs.offset(run)).isEqualTo(oracle.get(start).offset);
        }
    }

    /** The runs of each file as targets: each file has addresses of its own. */
    private void checkTargets(Runs runs) {
        TargetRuns targets = new TargetRuns();
        List<List<Long>> expected = new ArrayList<>();
        int end;
        for (int run = 0; run < runs.count(); run = end) {
            long base = 1L << (40 + mappings.indexOf(runs.mapping(run)));
            end = Math.min(runs.endOfFile(run), run + 1 + random.nextInt(runs.count()));
            for (int i = run; i < end; i++) expected.add(List.of(base | runs.offset(i), runs.length(i)));
            runs.addTo(targets, base, run, end);
        }
        List<List<Long>> found = new ArrayList<>();
        for (int i = 0; i < targets.count(); i++) found.add(List.of(targets.target(i), targets.length(i)));
        assertThat(found).isEqualTo(expected);
        assertThat(targets.bytes()).isEqualTo(runs.bytes());
    }

    private void checkRunAt(Runs runs, List<Place> oracle) {
        if (oracle.isEmpty()) return;
        // Forward steps and jumps, because a lookup remembers where the last one ended.
        int position = random.nextInt(oracle.size());
        for (int i = 0; i < 6; i++) {
            int run = runs.runAt(position);
            long into = position - runs.start(run);
            assertThat(into).isBetween(0L, runs.length(run) - 1);
            assertThat(new Place(runs.mapping(run), runs.offset(run) + into)).isEqualTo(oracle.get(position));
            position = random.nextBoolean() && position + 1 < oracle.size()
                    ? position + 1
                    : random.nextInt(oracle.size());
        }
    }

    @Test
    void behavesAsItsBytesOneByOne() {
        int largest = 0;
        for (int round = 0; round < 300; round++) {
            Runs runs = new Runs();
            List<Place> oracle = new ArrayList<>();
            for (int step = 0; step < 40; step++) {
                switch (random.nextInt(16)) {
                    case 0 -> {
                        runs.clear();
                        oracle.clear();
                    }
                    case 1, 2 -> appendAndCutBack(runs, oracle);
                    case 3 -> checkRunAt(runs, oracle);
                    case 4, 5 -> checkCopyTo(runs, oracle);
                    case 6 -> checkCopyFrom(runs, oracle);
                    case 7, 8 -> appendList(runs, oracle);
                    case 9 -> runs = checkCopy(runs, oracle);
                    case 10 -> checkTargets(runs);
                    default -> append(runs, oracle);
                }
                assertSame(runs, oracle);
            }
            largest = Math.max(largest, runs.count());
        }
        assertThat(largest).as("seed %d: the most runs of a case", SEED).isGreaterThan(10);
    }

    /** A list of addresses, of which those up to the first outside of a stretch of a file are appended. */
    private void appendList(Runs runs, List<Place> oracle) {
        FileMapping mapping = mappings.get(random.nextInt(3));
        long begin = random.nextInt(1000);
        int size = 64 + random.nextInt(64);
        int offset = random.nextInt(FILE_BYTES - size);
        long[] ranges = new long[2 * random.nextInt(12)];
        int each = random.nextInt(2) * (1 + random.nextInt(5)); // 0 for various lengths
        long next = begin;
        for (int i = 0; i < ranges.length; i += 2) {
            boolean outside = random.nextInt(10) == 0;
            long address = random.nextInt(each == 0 ? 2 : 8) == 0 ? next : begin + random.nextInt(size);
            ranges[i] = outside && random.nextBoolean() ? begin - 1 : address;
            ranges[i + 1] = each != 0 ? each : outside ? size + 1 : random.nextInt(6);
            next = ranges[i] + ranges[i + 1];
        }
        BusList list = BusList.of(ranges);
        int first = list.count() == 0 ? 0 : random.nextInt(Math.min(2, list.count()));
        int end = first;
        for (; end < list.count(); end++) {
            long into = list.address(end) - begin;
            if (into < 0 || into + list.length(end) > size) break;
            for (int b = 0; b < list.length(end); b++) oracle.add(new Place(mapping, offset + into + b));
        }
        assertThat(runs.addAll(mapping, list, first, begin, size, offset)).isEqualTo(end);
    }

    private Runs checkCopy(Runs runs, List<Place> oracle) {
        Runs copy = runs.copy();
        assertSame(copy, oracle);
        assertThat(copy.areOfOneFile()).isEqualTo(runs.areOfOneFile());
        for (int run = 0; run < copy.count(); run++) {
            assertThat(copy.offset(run)).isGreaterThanOrEqualTo(copy.lowest());
            assertThat(copy.offset(run) + copy.length(run)).isLessThanOrEqualTo(copy.highest());
            if (copy.areOfOneFile()) assertThat(copy.mapping(run)).isSameAs(copy.mapping(0));
        }
        return copy;
    }

    /** An exporter may give anything: a sum beyond 2^63 is no small offset. */
    @Test
    void aRunBeyondAllAddressesIsAboveAllFiles() {
        Runs runs = new Runs();
        runs.add(mappings.get(0), Long.MAX_VALUE - 1, 100);
        runs.add(mappings.get(0), 4, 4);
        assertThat(runs.highest()).isEqualTo(Long.MAX_VALUE);
        assertThat(runs.lowest()).isEqualTo(4);
        assertThat(runs.areOfOneFile()).isTrue();
        runs.clear();
        assertThat(runs.areOfOneFile()).isFalse();
        runs.add(mappings.get(1), 8, 4);
        assertThat(runs.highest()).isEqualTo(12);
        assertThat(runs.lowest()).isEqualTo(8);
    }

    private void appendAndCutBack(Runs runs, List<Place> oracle) {
        checkRunAt(runs, oracle);
        int count = runs.count();
        long bytes = runs.bytes();
        List<Place> longer = new ArrayList<>(oracle);
        for (int i = random.nextInt(5); i >= 0; i--) append(runs, longer);
        checkRunAt(runs, longer);
        runs.cutBack(count, bytes);
        assertSame(runs, oracle);
        checkRunAt(runs, oracle);
    }

    private void checkCopyTo(Runs runs, List<Place> oracle) {
        int position = random.nextInt(oracle.size() + 1);
        int length = random.nextInt(oracle.size() - position + 1);
        byte[] expected = new byte[length + 8];
        for (int i = 0; i < length; i++) expected[3 + i] = oracle.get(position + i).read();
        byte[] array = new byte[length + 8];
        runs.copyTo(position, array, 3, length);
        assertThat(array).isEqualTo(expected);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(length + 8L);
            runs.copyTo(position, segment, 3, length);
            assertThat(segment.toArray(JAVA_BYTE)).isEqualTo(expected);
        }
    }

    private void checkCopyFrom(Runs runs, List<Place> oracle) {
        int position = random.nextInt(oracle.size() + 1);
        int length = random.nextInt(oracle.size() - position + 1);
        byte[] source = new byte[length + 5];
        random.nextBytes(source);
        byte[][] before = contents();
        boolean fromSegment = random.nextBoolean();
        if (fromSegment) {
            runs.copyFrom(MemorySegment.ofArray(source), 2, position, length);
        } else {
            runs.copyFrom(source, 2, position, length);
        }
        byte[][] after = contents();
        for (int i = 0; i < mappings.size(); i++) mappings.get(i).segment().copyFrom(MemorySegment.ofArray(before[i]));
        // In the order of the stretch: a byte that occurs twice keeps what was written last.
        for (int i = 0; i < length; i++) oracle.get(position + i).write(source[2 + i]);
        assertThat(after).isDeepEqualTo(contents());
    }

    private byte[][] contents() {
        return mappings.stream().map(mapping -> mapping.segment().toArray(JAVA_BYTE)).toArray(byte[][]::new);
    }

    @Test
    void refusesSpansThatAreNotWhollyInside() {
        Runs runs = new Runs();
        runs.add(mappings.get(0), 10, 5);
        runs.add(mappings.get(1), 0, 5);
        byte[] array = new byte[64];
        MemorySegment segment = MemorySegment.ofArray(array);
        long[][] spans = { { -1, 1 }, { 0, 11 }, { 10, 1 }, { 11, 0 }, { 5, -1 }, { Long.MAX_VALUE, 1 },
                { 1, Long.MAX_VALUE }, { Long.MIN_VALUE, Long.MIN_VALUE } };
        byte[][] before = contents();
        for (long[] span : spans) {
            String sentence = "%d bytes at position %d of 10 bytes".formatted(span[1], span[0]);
            assertThatThrownBy(() -> runs.copyTo(span[0], segment, 0, span[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessage(sentence);
            assertThatThrownBy(() -> runs.copyFrom(segment, 0, span[0], span[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessage(sentence);
            if (span[1] != (int) span[1]) continue;
            assertThatThrownBy(() -> runs.copyTo(span[0], array, 0, (int) span[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessage(sentence);
            assertThatThrownBy(() -> runs.copyFrom(array, 0, span[0], (int) span[1]))
                    .isInstanceOf(IndexOutOfBoundsException.class).hasMessage(sentence);
        }
        assertThat(array).containsOnly(0);
        assertThat(contents()).isDeepEqualTo(before);
        runs.copyTo(10, array, 0, 0);
        assertThatThrownBy(() -> runs.copyTo(0, array, 60, 5)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> runs.copyTo(0, segment, 60, 5)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void refusesRunsAndPositionsItDoesNotHave() {
        Runs runs = new Runs();
        assertThat(runs.bytes()).isZero();
        assertThatThrownBy(() -> runs.runAt(0)).isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("position 0 of 0 bytes");
        assertThatThrownBy(() -> runs.add(mappings.get(0), 0, 0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a run of 0 bytes");
        assertThatThrownBy(() -> runs.add(mappings.get(0), 0, -1)).isInstanceOf(IllegalArgumentException.class);
        runs.add(mappings.get(0), 0, 3);
        for (int run : new int[]{ -1, 1 }) {
            String sentence = "run " + run + " of 1";
            assertThatThrownBy(() -> runs.offset(run)).hasMessage(sentence);
            assertThatThrownBy(() -> runs.length(run)).hasMessage(sentence);
            assertThatThrownBy(() -> runs.start(run)).hasMessage(sentence);
            assertThatThrownBy(() -> runs.mapping(run)).hasMessage(sentence);
        }
        assertThatThrownBy(() -> runs.runAt(3)).hasMessage("position 3 of 3 bytes");
        assertThatThrownBy(() -> runs.runAt(-1)).hasMessage("position -1 of 3 bytes");
    }

    @Test
    void sumsRunsBeyondFourGibibytes() {
        Runs runs = new Runs();
        long[] lengths = { 1L << 31, 1L << 33, 5 };
        // Never read: only the sums are looked at.
        for (int i = 0; i < lengths.length; i++) runs.add(mappings.get(i), 0, lengths[i]);
        assertThat(runs.bytes()).isEqualTo(Arrays.stream(lengths).sum());
        assertThat(runs.runAt((1L << 31) - 1)).isZero();
        assertThat(runs.runAt(1L << 31)).isEqualTo(1);
        assertThat(runs.runAt((1L << 31) + (1L << 33))).isEqualTo(2);
    }

    @Test
    void wholeRunsAreKnownUntilAPieceComes() {
        Runs runs = new Runs();
        assertThat(runs.areWhole(4096)).as("an empty list").isTrue();
        runs.add(mappings.getFirst(), 1024, 2048);
        assertThat(runs.areWhole(1024)).isTrue();
        assertThat(runs.areWhole(2048)).as("it begins in the middle").isFalse();
        runs.add(mappings.get(1), 0, 64);
        assertThat(runs.areWhole(64)).isTrue();
        assertThat(runs.areWhole(128)).as("its length is half").isFalse();
        runs.clear();
        assertThat(runs.areWhole(4096)).isTrue();
    }

    @Test
    void singlePagesAreKnownUntilAnythingElseComes() {
        Runs runs = new Runs();
        assertThat(runs.areSingle(64)).as("an empty list").isFalse();
        runs.add(mappings.getFirst(), 64, 64);
        runs.add(mappings.getFirst(), 1024, 64);
        assertThat(runs.areSingle(64)).isTrue();
        assertThat(runs.areSingle(128)).isFalse();
        assertThat(runs.copy().areSingle(64)).isTrue();
        runs.add(mappings.getFirst(), 512, 32);
        assertThat(runs.areSingle(64)).as("the last is shorter").isFalse();
        runs.clear();
        runs.add(mappings.getFirst(), 32, 64);
        assertThat(runs.areSingle(64)).as("it begins in the middle").isFalse();
        runs.clear();
        for (int i = 0; i < 3; i++) runs.add(mappings.getFirst(), i * 64L, 64);
        assertThat(runs.areSingle(64)).as("merged").isFalse();
    }

    @Test
    void neighboursOfOneFileEndWithIt() {
        Runs runs = new Runs();
        runs.add(mappings.get(0), 0, 64);
        runs.add(mappings.get(0), 128, 64);
        assertThat(runs.endOfFile(0)).isEqualTo(2);
        runs.add(mappings.get(1), 0, 64);
        runs.add(mappings.get(0), 256, 64);
        assertThat(runs.endOfFile(0)).isEqualTo(2);
        assertThat(runs.endOfFile(2)).isEqualTo(3);
        assertThat(runs.endOfFile(3)).isEqualTo(4);
        Runs copy = runs.copy();
        runs.clear();
        assertThat(copy.endOfFile(0)).isEqualTo(2);
        assertThat(copy.bytes()).isEqualTo(256);
        assertThat(copy.runAt(200)).isEqualTo(3);
    }
}
