package sluice.dmacore.ownership;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** A region's intervals against an array that has an entry for each line. */
class RegionTest {
    private static final int LINES = 97;
    private static final long SEED = 20261121;
    private static final List<Direction> DIRECTIONS = List.of(Direction.values());
    private static final List<LineState> STATES = List.of(LineState.values());

    /** A line, said the naive way. */
    private static final class Line {
        LineState cpu = LineState.UNKNOWN;
        long joined = 1;
        long readers;
        long writers;
        long lentReaders;
        long lentWriters;
        /** Those who have a part of it, and those of whom that is borrowed. */
        long kept;
        long lentRest;
        int accesses;
    }

    private final Region region = new Region(LINES);
    private final Line[] lines = new Line[LINES];
    private final Holder[] holders = new Holder[5];
    private final int[] pins = new int[LINES];
    private final Deque<int[]> pinned = new ArrayDeque<>();

    private RegionTest() {
        for (int i = 0; i < LINES; i++) lines[i] = new Line();
        for (int i = 0; i < holders.length; i++) {
            // Who comes later has a lower number.
            holders[i] = new Holder(holders.length - i, "device " + i, i % 2 == 0);
        }
        // One holds all, and the others come and go.
        region.join(0, holders[0]);
    }

    @Test
    void manyOperationsLeaveWhatTheNaiveOnesDo() {
        Random random = new Random(SEED);
        for (int step = 0; step < 20_000; step++) {
            int from = random.nextInt(LINES);
            int to = from + 1 + random.nextInt(LINES - from);
            if (random.nextInt(10) == 0) {
                keepApart(random);
            } else {
                operate(random, from, to);
            }
            compare(step);
        }
    }

    /** What another buffer's pieces do when it comes, and when it goes: few lines or many, some twice, and the ends, too. */
    private void keepApart(Random random) {
        if (pinned.size() > 3 || (!pinned.isEmpty() && random.nextBoolean())) {
            int[] lines = pinned.removeFirst();
            region.unpin(lines, lines.length);
            for (int line : lines) if (line > 0 && line < LINES) pins[line]--;
            return;
        }
        int[] lines = random.ints(random.nextInt(30), 0, LINES + 1).sorted().toArray();
        pinned.addLast(lines);
        region.pin(lines, lines.length);
        for (int line : lines) if (line > 0 && line < LINES) pins[line]++;
    }

    private void operate(Random random, int from, int to) {
        int which = random.nextInt(holders.length);
        Direction direction = DIRECTIONS.get(random.nextInt(DIRECTIONS.size()));
        LineState state = STATES.get(random.nextInt(STATES.size()));
        int operation = random.nextInt(9);
        if (which == 0 && operation == 8) operation = 7;
        int first = region.split(from);
        int end = region.split(to);
        for (int i = first; i < end; i++) {
            switch (operation) {
                case 0 -> region.own(i, region.bit(i, holders[which]), direction);
                case 1 -> region.disown(i, region.bit(i, holders[which]));
                case 2 -> region.disownPart(i, region.bit(i, holders[which]));
                case 3, 4 -> region.lend(i, false, operation == 3);
                case 5 -> {
                    if (lines[region.start(i)].accesses > 0) region.giveBack(i, false);
                }
                case 6 -> region.setCpu(i, state);
                case 7 -> region.join(i, holders[which]);
                default -> region.leave(i, holders[which]);
            }
        }
        for (int i = from; i < to; i++) {
            long bit = lines[i].joined & 1L << which;
            switch (operation) {
                case 0 -> own(lines[i], bit, direction);
                case 1 -> disown(lines[i], bit);
                case 2 -> disownPart(lines[i], bit);
                case 3, 4 -> lend(lines[i], operation == 3);
                case 5 -> giveBack(lines[i]);
                case 6 -> lines[i].cpu = state;
                case 7 -> lines[i].joined |= 1L << which;
                default -> {
                    disown(lines[i], bit);
                    lines[i].joined &= ~bit;
                }
            }
        }
        region.coalesce(first, end);
    }

    private static void own(Line line, long bit, Direction direction) {
        if (direction != Direction.FROM_DEVICE) line.readers |= bit;
        if (direction != Direction.TO_DEVICE) line.writers |= bit;
        line.kept &= ~bit;
        line.lentRest &= ~bit;
    }

    private static void disown(Line line, long bit) {
        line.readers &= ~bit;
        line.writers &= ~bit;
        line.lentReaders &= ~bit;
        line.lentWriters &= ~bit;
        line.kept &= ~bit;
        line.lentRest &= ~bit;
    }

    private static void disownPart(Line line, long bit) {
        long has = (line.readers | line.writers | line.kept) & bit;
        long lent = (line.lentReaders | line.lentWriters | line.lentRest) & bit;
        disown(line, bit);
        line.kept |= has;
        line.lentRest |= lent;
    }

    private static void lend(Line line, boolean part) {
        if (part) line.kept |= line.readers | line.writers;
        if (!part) {
            line.lentRest |= line.kept;
            line.kept = 0;
        }
        line.lentReaders |= line.readers;
        line.lentWriters |= line.writers;
        line.readers = 0;
        line.writers = 0;
        line.accesses++;
    }

    private static void giveBack(Line line) {
        if (line.accesses == 0 || --line.accesses > 0) return;
        line.readers |= line.lentReaders;
        line.writers |= line.lentWriters;
        // Who has all of it has no part.
        line.kept = (line.kept | line.lentRest) & ~(line.readers | line.writers);
        line.lentReaders = 0;
        line.lentWriters = 0;
        line.lentRest = 0;
    }

    private void compare(int step) {
        int intervals = 0;
        int changes = 0;
        for (int line = 0; line < LINES; line++) {
            int at = region.at(line);
            Line naive = lines[line];
            boolean same = region.start(at) <= line && line < region.start(at + 1) && region.cpu(at) == naive.cpu
                    && named(at, region.readers(at)) == naive.readers
                    && named(at, region.writers(at)) == naive.writers
                    && named(at, region.lent(at)) == (naive.lentReaders | naive.lentWriters | naive.lentRest)
                    && named(at, region.lentReaders(at)) == (naive.lentReaders | naive.lentRest)
                    && named(at, region.kept(at)) == naive.kept
                    && named(at, -1) == naive.joined && named(at, region.coherent(at)) == (naive.joined & 0b10101)
                    && region.isCpuOwned(at) == ((naive.readers | naive.writers) == 0);
            assertThat(same).as("line %d after step %d, seed %d", line, step, SEED).isTrue();
            if (line > 0 && (pins[line] > 0 || !alike(naive, lines[line - 1]))) changes++;
            intervals = at + 1;
        }
        assertThat(region.start(intervals)).as("the end after step %d, seed %d", step, SEED).isEqualTo(LINES);
        assertThat(intervals).as("intervals after step %d, seed %d", step, SEED).isEqualTo(changes + 1);
    }

    /** The test's bits for those that an interval has. */
    private long named(int interval, long bits) {
        long named = 0;
        for (int i = 0; i < holders.length; i++) {
            if ((bits & region.bit(interval, holders[i])) != 0) named |= 1L << i;
        }
        return named;
    }

    private static boolean alike(Line one, Line other) {
        return one.cpu == other.cpu && one.joined == other.joined && one.readers == other.readers
                && one.writers == other.writers && one.lentReaders == other.lentReaders
                && one.lentWriters == other.lentWriters && one.kept == other.kept && one.lentRest == other.lentRest
                && one.accesses == other.accesses;
    }

    @Test
    void equalNeighboursAreOneInterval() {
        int first = region.split(10);
        int end = region.split(20);
        region.own(first, region.bit(first, holders[0]), Direction.TO_DEVICE);
        region.coalesce(first, end);
        assertThat(region.at(LINES - 1)).as("three intervals").isEqualTo(2);
        first = region.split(15);
        end = region.split(20);
        region.disown(first, region.bit(first, holders[0]));
        region.coalesce(first, end);
        assertThat(region.start(1)).isEqualTo(10);
        assertThat(region.start(2)).isEqualTo(15);
        for (int i = 0; i < 3; i++) region.leave(i, holders[0]);
        region.coalesce(0, 3);
        assertThat(region.at(LINES - 1)).as("one again").isZero();
    }

    @Test
    void aLineHasRoomForSixtyFourHoldersAndForAnotherWhenOneLeaves() {
        Region small = new Region(2);
        small.split(1);
        Holder[] many = new Holder[Holders.MOST];
        for (int i = 0; i < many.length; i++) {
            many[i] = new Holder(i, "device", false);
            assertThat(small.hasRoom(0, many[i])).isTrue();
            small.join(0, many[i]);
            small.own(0, small.bit(0, many[i]), Direction.TO_DEVICE);
        }
        Holder late = new Holder(64, "late", true);
        assertThat(small.hasRoom(0, late)).isFalse();
        assertThat(small.hasRoom(1, late)).as("the next line").isTrue();
        assertThat(small.hasRoom(0, many[5])).as("known").isTrue();
        assertThat(small.readers(0)).isEqualTo(-1);
        small.leave(0, many[5]);
        assertThat(small.bit(0, many[5])).isZero();
        assertThat(small.readers(0)).as("63 have it").isEqualTo(Long.MAX_VALUE);
        assertThat(small.hasRoom(0, late)).isTrue();
        small.join(0, late);
        assertThat(small.readers(0)).as("64 share it").isEqualTo(Long.MAX_VALUE);
        assertThat(small.coherent(0)).isEqualTo(Long.MIN_VALUE).isEqualTo(small.bit(0, late));
        assertThat(small.holder(0, 1L << 5)).isEqualTo(many[6]);
    }
}
