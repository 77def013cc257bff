package sluice.dmacore.space;

import java.lang.foreign.MemorySegment;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.DeviceTrace;
import sluice.iommu.Access;
import sluice.iommu.Permission;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

import static org.assertj.core.api.Assertions.assertThat;

/** A device that forms 32 bits, where memory is mapped on both sides of 4 GiB. */
class AddressLimitTest {
    private static final int PAGE = 4096;
    private static final long MASK = 0xffff_ffffL;
    private static final long LAST = MASK + 1 - PAGE;

    private final Machine machine = Machine.modelled();
    private final StringBuilder told = new StringBuilder();
    private final DmaMappedSpace space = DmaMappedSpace.open("card", Budget.ofProcess().own(),
            fault -> told.append(fault.reason()).append(' '));
    private final byte[] bytes = new byte[2 * PAGE];

    @BeforeEach
    void map() throws Exception {
        space.map(LAST, 2L * PAGE, machine.file(2), 0, Permission.READ_WRITE);
    }

    @AfterEach
    void end() throws Exception {
        space.clear();
        machine.close();
    }

    @Test
    void anAccessBeyondTheMaskFaultsAndNothingIsDone() {
        try (DmaReader reader = space.openReader(DeviceTrace.NONE, MASK)) {
            MemorySegment local = MemorySegment.ofArray(bytes);
            assertThat(reader.write(LAST, local, 0, PAGE)).isEqualTo(Outcome.RESOLVED);
            assertThat(reader.fault()).isNull();
            bytes[0] = 77;
            assertThat(reader.write(LAST, local, 0, PAGE + 1)).isEqualTo(Outcome.FAULT);
            assertThat(reader.fault())
                    .hasToString("card: write of 0x1 bytes at 0x100000000: %s; by rule dma-mask=0xffffffff"
                            .formatted(FaultReason.OVER_MASK.words()));
            byte[] there = new byte[1];
            assertThat(reader.read(LAST, MemorySegment.ofArray(there), 0, 1)).isEqualTo(Outcome.RESOLVED);
            assertThat(there[0]).isZero();
            assertThat(reader.read(-1, local, 0, 2)).as("it wraps").isEqualTo(Outcome.FAULT);
            assertThat(space.table().faults().count(FaultReason.OVER_MASK)).isEqualTo(2);
            assertThat(told).hasToString("OVER_MASK OVER_MASK ");
            assertThat(reader.read(0, local, 0, 1)).isEqualTo(Outcome.FAULT);
            assertThat(reader.fault()).isNotNull().satisfies(
                    fault -> assertThat(fault.reason()).isEqualTo(FaultReason.NOT_MAPPED));
        }
    }

    @Test
    void ringsAreNoExceptions() {
        try (DmaMappedTranslation translation = space.openTranslation(MASK)) {
            Runs runs = new Runs();
            Result result = new Result();
            assertThat(translation.resolve(MASK + 1, 16, Access.READ, runs, result)).isEqualTo(Outcome.FAULT);
            assertThat(result.fault()).isNotNull().satisfies(
                    fault -> assertThat(fault.reason()).isEqualTo(FaultReason.OVER_MASK));
            assertThat(runs.count()).isZero();
            assertThat(translation.resolve(LAST, 16, Access.READ, runs, result)).isEqualTo(Outcome.RESOLVED);
        }
    }

    @Test
    void withoutAMaskAllIsReached() {
        try (DmaReader reader = space.openReader()) {
            assertThat(reader.read(LAST, MemorySegment.ofArray(bytes), 0, 2 * PAGE)).isEqualTo(Outcome.RESOLVED);
        }
    }
}
