package sluice.iommu.fault;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FaultLogTest {
    private final List<FaultRecord> told = new ArrayList<>();
    private final FaultLog log = new FaultLog(4, told::add);

    private FaultRecord add(FaultReason reason) {
        return log.add("gpu0", FaultContext.NONE, 0x1000, Access.READ, 16, reason, null, null, null, null);
    }

    @Test
    void keepsTheLastOnesAndCountsAll() {
        for (int i = 0; i < 10; i++) add(i % 2 == 0 ? FaultReason.NOT_MAPPED : FaultReason.PERM_WRITE);
        assertThat(log.total()).isEqualTo(10);
        assertThat(log.dropped()).isEqualTo(6);
        assertThat(log.count(FaultReason.NOT_MAPPED)).isEqualTo(5);
        assertThat(log.count(FaultReason.PERM_WRITE)).isEqualTo(5);
        assertThat(log.count(FaultReason.RESERVED)).isZero();
        assertThat(log.take()).extracting(FaultRecord::sequence).containsExactly(7L, 8L, 9L, 10L);
        assertThat(log.take()).isEmpty();
        assertThat(told).hasSize(10);
        add(FaultReason.TIMEOUT);
        assertThat(log.take()).singleElement().extracting(FaultRecord::sequence).isEqualTo(11L);
        assertThat(log.dropped()).as("what was taken is not dropped").isEqualTo(6);
        assertThat(log.capacity()).isEqualTo(4);
    }

    @Test
    void aRecordReadsAsASentence() {
        Neighbour near = new Neighbour(3, AddressRange.of(0x1000, 0x1000), new Owner(7, "resource 7"));
        FaultRecord fault = log.add("gpu0", new FaultContext(0, 1, 12), 0x2000, Access.WRITE, 64,
                FaultReason.AFTER_UNMAP, near, null, near, "lose it");
        assertThat(fault).hasToString("gpu0: write of 0x40 bytes at 0x2000: the mapping that was there was removed, "
                + "context 0, queue 1, descriptor 12; last mapped there: [0x1000, 0x1fff] of resource 7 (mapping 3); "
                + "mapping below: [0x1000, 0x1fff] of resource 7 (mapping 3); by rule lose it");
        assertThat(add(FaultReason.OVER_MASK))
                .hasToString("gpu0: read of 0x10 bytes at 0x1000: above the device's address mask");
    }

    @Test
    void refusesToKeepNothing() {
        assertThatThrownBy(() -> new FaultLog(0, fault -> {})).isInstanceOf(IllegalArgumentException.class);
    }
}
