package sluice.dmacore.ownership;

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
        long readers;
        long writers;
        long lentReaders;
        long lentWriters;
    }

    private final Region region = new Region(LINES);
    private final Line[] lines = new Line[LINES];
    private final Holder[] holders = new Holder[5];
    private final long[] bits = new long[holders.length];

    private RegionTest() {
        for (int i = 0; i < LINES; i++) lines[i] = new Line();
        for (int i = 0; i < holders.length; i++) {
            holders[i] = new Holder(i + 1, "device " + i, i % 2 == 0);
            bits[i] = region.join(holders[i]);
        }
    }

    @Test
    void manyOperationsLeaveWhatTheNaiveOnesDo() {
        Random random = new Random(SEED);
        for (int step = 0; step < 20_000; step++) {
            int from = random.nextInt(LINES);
            int to = from + 1 + random.nextInt(LINES - from);
            operate(random, from, to);
            compare(step);
        }
    }

    private void operate(Random random, int from, int to) {
        int which = random.nextInt(holders.length);
        Direction direction = DIRECTIONS.get(random.nextInt(DIRECTIONS.size()));
        LineState state = STATES.get(random.nextInt(STATES.size()));
        int operation = random.nextInt(6);
        int first = region.split(from);
        int end = region.split(to);
        if (operation == 5 && random.nextInt(20) == 0) {
            region.leave(holders[which]);
            for (Line line : lines) disown(line, bits[which]);
            bits[which] = region.join(holders[which]);
            return;
        }
        for (int i = first; i < end; i++) {
            switch (operation) {
                case 0 -> region.own(i, bits[which], direction);
                case 1 -> region.disown(i, bits[which]);
                case 2 -> region.lend(i);
                case 3 -> region.giveBack(i);
                default -> region.setCpu(i, state);
            }
        }
        for (int i = from; i < to; i++) {
            switch (operation) {
                case 0 -> own(lines[i], bits[which], direction);
                case 1 -> disown(lines[i], bits[which]);
                case 2 -> lend(lines[i]);
                case 3 -> giveBack(lines[i]);
                default -> lines[i].cpu = state;
            }
        }
        region.coalesce(first, end);
    }

    private static void own(Line line, long bit, Direction direction) {
        if (direction != Direction.FROM_DEVICE) line.readers |= bit;
        if (direction != Direction.TO_DEVICE) line.writers |= bit;
    }

    private static void disown(Line line, long bit) {
        line.readers &= ~bit;
        line.writers &= ~bit;
        line.lentReaders &= ~bit;
        line.lentWriters &= ~bit;
    }

    private static void lend(Line line) {
        line.lentReaders |= line.readers;
        line.lentWriters |= line.writers;
        line.readers = 0;
        line.writers = 0;
    }

    private static void giveBack(Line line) {
        line.readers |= line.lentReaders;
        line.writers |= line.lentWriters;
        line.lentReaders = 0;
        line.lentWriters = 0;
    }

    private void compare(int step) {
        long coherent = bits[0] | bits[2] | bits[4];
        assertThat(region.coherent()).as("step %d, seed %d", step, SEED).isEqualTo(coherent);
        int intervals = 0;
        for (int line = 0; line < LINES; line++) {
            int at = region.at(line);
            Line naive = lines[line];
            boolean same = region.start(at) <= line && line < region.start(at + 1) && region.cpu(at) == naive.cpu
                    && region.readers(at) == naive.readers && region.writers(at) == naive.writers
                    && region.lent(at) == (naive.lentReaders | naive.lentWriters)
                    && region.lentWriters(at) == naive.lentWriters
                    && region.isCpuOwned(at) == ((naive.readers | naive.writers) == 0);
            assertThat(same).as("line %d after step %d, seed %d", line, step, SEED).isTrue();
            intervals = at + 1;
        }
        assertThat(region.start(intervals)).as("the end after step %d, seed %d", step, SEED).isEqualTo(LINES);
    }

    @Test
    void equalNeighboursAreOneInterval() {
        int first = region.split(10);
        int end = region.split(20);
        region.own(first, bits[0], Direction.TO_DEVICE);
        region.coalesce(first, end);
        assertThat(region.at(LINES - 1)).as("three intervals").isEqualTo(2);
        first = region.split(15);
        end = region.split(20);
        region.disown(first, bits[0]);
        region.coalesce(first, end);
        assertThat(region.start(1)).isEqualTo(10);
        assertThat(region.start(2)).isEqualTo(15);
        region.leave(holders[0]);
        assertThat(region.at(LINES - 1)).as("one again").isZero();
    }

    @Test
    void thereAreSixtyFourHoldersAndAPlaceThatIsLeftIsTakenAgain() {
        Region small = new Region(1);
        Holder[] many = new Holder[Region.MOST_HOLDERS];
        for (int i = 0; i < many.length; i++) {
            many[i] = new Holder(i, "device", false);
            assertThat(small.join(many[i])).isEqualTo(1L << i);
        }
        Holder late = new Holder(64, "late", true);
        assertThat(small.join(late)).isZero();
        assertThat(small.join(many[5])).as("known").isEqualTo(1L << 5);
        small.leave(many[5]);
        assertThat(small.bit(many[5])).isZero();
        assertThat(small.join(late)).isEqualTo(1L << 5);
        assertThat(small.coherent()).isEqualTo(1L << 5);
    }
}
