package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings.Counted;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** Rows that pass the gate together, against the same rows one by one: bytes, counters and findings are the same. */
class GiveAndFindTest {
    private static final long SEED = 20_261_129;
    private static final int CASES = 150;
    private static final int PAGES = 4;
    private static final int BYTES = PAGES * Machine.PAGE;

    /** A machine with a device, and a buffer that is mapped for it to read and write. */
    private static final class Side implements AutoCloseable {
        final Machine machine = Machine.modelled();
        final FileMapping file;
        final DmaBuf buffer;
        final Attachment attachment;
        final DeviceMapping mapping;
        final DeviceView view;
        final Runs runs = new Runs();

        Side(Stream stream) throws IOException {
            file = machine.file(PAGES);
            buffer = machine.guest("frame", file, 2, 0, 3, 1);
            DeviceFunction device = machine.device("display");
            attachment = buffer.attach(device, stream);
            mapping = attachment.map(Direction.BIDIRECTIONAL);
            view = machine.view(device);
        }

        /** What the device reads of the rows, or what became of it. */
        List<Object> seen(Outcome outcome, Rows rows) {
            List<Object> seen = new ArrayList<>(List.of(outcome));
            for (long row = 0; row < rows.count() && outcome == Outcome.RESOLVED; row++) {
                byte[] bytes = new byte[(int) rows.rowBytes()];
                runs.copyTo(row * rows.stride(), bytes, 0, bytes.length);
                seen.add(bytes);
            }
            return seen;
        }

        /** Each rule that was broken, and how often, wherever the call stands. */
        Map<Rule, Long> told() {
            return machine.core().findings().all().stream().collect(
                    Collectors.groupingBy(told -> told.finding().rule(), Collectors.summingLong(Counted::times)));
        }

        @Override
        public void close() throws IOException {
            machine.core().findings().clear();
            DeviceMapping present = attachment.mapping();
            if (present != null) present.unmap();
            attachment.detach();
            machine.core().findings().clear();
            machine.close();
        }
    }

    static List<Stream> streams() {
        return List.of(Stream.COHERENT, Stream.NON_COHERENT);
    }

    private static Rows draw(Random random) {
        long offset = random.nextInt(BYTES / 2);
        long rowBytes = 1L + random.nextInt(200);
        long stride = rowBytes + (random.nextBoolean() ? 0 : random.nextInt(200));
        long most = (BYTES - offset - rowBytes) / stride;
        return new Rows().set(offset, rowBytes, stride, 1 + random.nextInt((int) most));
    }

    @ParameterizedTest
    @MethodSource("streams")
    void rowsTogetherAreAsRowsOneByOne(Stream stream) throws Exception {
        Random random = new Random(SEED);
        try (Side together = new Side(stream); Side single = new Side(stream)) {
            for (int i = 0; i < CASES; i++) {
                Rows rows = draw(random);
                if (random.nextBoolean()) store(random, together, single);
                boolean write = random.nextInt(4) == 0;
                boolean givesFirst = random.nextInt(8) != 0;
                Access access = write ? Access.WRITE : Access.READ;
                List<Object> one = access(together, rows, access, givesFirst, true);
                assertThat(access(single, rows, access, givesFirst, false)).as("case %d of seed %d", i, SEED)
                        .usingRecursiveComparison().isEqualTo(one);
                if (random.nextInt(8) != 0) {
                    together.mapping.syncForCpu(rows, Direction.BIDIRECTIONAL);
                    for (long row = 0; row < rows.count(); row++)
                        single.mapping.syncForCpu(rows.offset(row), rows.rowBytes(), Direction.BIDIRECTIONAL);
                }
                assertThat(Machine.load(single.file, 0, BYTES)).isEqualTo(Machine.load(together.file, 0, BYTES));
            }
            assertThat(single.told()).isEqualTo(together.told());
            assertThat(single.buffer.counters()).usingRecursiveComparison()
                    .ignoringFieldsMatchingRegexes(".*[nN]anos.*")
                    .isEqualTo(together.buffer.counters());
        }
    }

    private static void store(Random random, Side one, Side other) {
        byte[] bytes = new byte[1 + random.nextInt(300)];
        random.nextBytes(bytes);
        int at = random.nextInt(BYTES - bytes.length);
        Machine.store(one.file, at, bytes);
        Machine.store(other.file, at, bytes);
    }

    private static List<Object> access(Side side, Rows rows, Access access, boolean gives, boolean together)
            throws DmaBufException {
        try (var _ = side.view.enter()) {
            Outcome outcome;
            if (together && gives) {
                outcome = side.view.giveAndFind(side.mapping, rows, Direction.BIDIRECTIONAL, access, side.runs);
            } else {
                for (long row = 0; gives && row < rows.count(); row++)
                    side.mapping.syncForDevice(rows.offset(row), rows.rowBytes(), Direction.BIDIRECTIONAL);
                outcome = side.view.find(side.mapping, rows, access, side.runs);
            }
            List<Object> seen = side.seen(outcome, rows);
            byte[] written = new byte[(int) rows.rowBytes()];
            for (long row = 0; access == Access.WRITE && row < rows.count(); row++) {
                Arrays.fill(written, (byte) row);
                side.runs.copyFrom(written, 0, row * rows.stride(), written.length);
            }
            return seen;
        }
    }

    @ParameterizedTest
    @MethodSource("streams")
    void whatCannotBeSyncedIsNotGiven(Stream stream) throws Exception {
        try (Side side = new Side(stream); var _ = side.view.enter()) {
            assertThat(side.view.giveAndFind(side.mapping, new Rows().set(0, 64, 128, 1 << 20), Direction.TO_DEVICE,
                    Access.READ, side.runs)).isEqualTo(Outcome.FAULT);
            assertThat(side.buffer.counters().transfers() + side.buffer.counters().coherentTransfers())
                    .as("the map alone").isEqualTo(1);
        }
        try (Side side = new Side(stream)) {
            side.mapping.unmap();
            try (var _ = side.view.enter()) {
                assertThat(side.view.giveAndFind(side.mapping, new Rows().set(0, 64), Direction.TO_DEVICE, Access.READ,
                        side.runs)).isEqualTo(Outcome.FAULT);
            }
            Refused.refused(Errno.EINVAL, () -> side.mapping.syncForCpu(new Rows().set(0, 64), Direction.TO_DEVICE));
        }
    }
}
