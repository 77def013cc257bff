package sluice.dmacore.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;

import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.model.Stage.LOT;
import static sluice.dmacore.model.Stage.LOTS;
import static sluice.dmacore.model.Stage.PAGE;
import static sluice.dmacore.model.Stage.PAGES;
import static sluice.dmacore.model.Stage.SNOOPER;

/** Makes one mistake on a stage where nothing is mapped. */
final class Mishap {
    private final Stage stage;
    private final int lot;
    /** One that does not snoop. */
    private final int device;

    Mishap(Stage stage) {
        this.stage = stage;
        lot = stage.random.nextInt(LOTS);
        device = stage.random.nextInt(SNOOPER);
    }

    void happen(Mistake mistake) throws IOException {
        stage.expectMistake(mistake);
        switch (mistake) {
            case NONE -> throw new IllegalStateException("no mistake");
            case DEVICE_SYNC_FORGOTTEN -> {
                stage.map(device, Direction.BIDIRECTIONAL);
                stage.take(device, lot);
                stage.write(lot * LOT, 100);
                stage.access(device, lot, stage.random.nextBoolean());
            }
            case STORE_IN_DEVICES_TIME -> {
                stage.map(device, stage.anyDirection());
                stage.store(lot * LOT + stage.random.nextInt(LOT - 8), 8);
            }
            case WRITE_AGAINST_DIRECTION -> {
                DeviceMapping mapping = stage.map(device, Direction.TO_DEVICE);
                stage.rig.views()[device].write(mapping, 0, MemorySegment.ofArray(new byte[8]), 0, 8);
            }
            case SYNC_BEYOND_END -> {
                DeviceMapping mapping = stage.map(device, stage.anyDirection());
                refused(() -> mapping.syncForCpu(PAGE, PAGES * PAGE, mapping.direction()));
            }
            case SYNC_AFTER_UNMAP -> refused(gone()::syncForDevice);
            case UNMAP_TWICE -> refused(gone()::unmap);
            case UNMAP_WITH_OTHER_DIRECTION -> {
                DeviceMapping mapping = stage.map(device, Direction.FROM_DEVICE);
                mapping.unmap(stage.random.nextBoolean() ? Direction.TO_DEVICE : Direction.BIDIRECTIONAL,
                        EnumSet.noneOf(DmaAttribute.class));
                stage.ended(device, Direction.FROM_DEVICE);
            }
            case SYNC_WITH_OTHER_DIRECTION -> syncTheOtherWay();
            case NOT_SYNCED_BACK_FOR_SNOOPER -> {
                stage.map(device, Direction.FROM_DEVICE);
                stage.access(device, lot, true);
                stage.map(SNOOPER, Direction.TO_DEVICE);
                stage.accessLast(SNOOPER, false);
            }
            case ACCESS_AFTER_UNMAP -> readEight(gone(), 0);
            case ACCESS_OUTSIDE -> readEight(stage.map(device, Direction.TO_DEVICE), PAGES * PAGE - 4);
            case END_WITHOUT_BEGIN -> refused(() -> stage.openers[0].end(0, LOT, Direction.FROM_DEVICE));
            case BEGIN_WITHOUT_END -> {
                CpuAccess access = stage.openers[0].begin(stage.at(0, lot * LOT), LOT, Direction.FROM_DEVICE);
                assertThat(access.length()).isEqualTo(LOT);
                stage.openers[0].close();
            }
            case CPU_OUTSIDE_BRACKET -> {
                try (CpuAccess access = stage.openers[0].begin(0, LOT, Direction.FROM_DEVICE)) {
                    access.read(LOT - 4, new byte[8], 0, 8);
                }
            }
            case GIVEN_IN_AN_ACCESS -> {
                stage.map(device, Direction.BIDIRECTIONAL);
                Stage.Access access = stage.begin(0, lot * LOT, LOT, Direction.FROM_DEVICE);
                stage.give(device, lot, Direction.BIDIRECTIONAL);
                stage.choose(lot);
                stage.accessLast(device, true);
                stage.end(access);
            }
            case STORED_BEFORE_UNMAP -> {
                stage.map(device, Direction.BIDIRECTIONAL);
                stage.take(device, lot);
                stage.write(lot * LOT, 10);
                stage.unmap(device);
            }
            case DETACH_WHILE_MAPPED -> {
                DeviceMapping mapping = stage.map(device, stage.anyDirection());
                stage.attachments[device].detach();
                stage.ended(device, mapping.direction());
            }
        }
    }

    private DeviceMapping gone() throws IOException {
        DeviceMapping mapping = stage.map(device, Direction.TO_DEVICE);
        stage.unmap(device);
        return mapping;
    }

    private void readEight(DeviceMapping mapping, long from) {
        DeviceView view = stage.rig.views()[device];
        view.read(mapping, from, MemorySegment.ofArray(new byte[8]), 0, 8);
    }

    private void syncTheOtherWay() throws IOException {
        boolean reads = stage.random.nextBoolean();
        DeviceMapping mapping = stage.map(device, reads ? Direction.TO_DEVICE : Direction.FROM_DEVICE);
        Direction other = reads ? Direction.FROM_DEVICE : Direction.TO_DEVICE;
        boolean forCpu = stage.random.nextBoolean();
        refused(() -> {
            if (forCpu) {
                mapping.syncForCpu(0, 64, other);
            } else {
                mapping.syncForDevice(0, 64, other);
            }
        });
    }

    private interface Call {
        void call() throws IOException;
    }

    private static void refused(Call call) {
        assertThatThrownBy(call::call).isInstanceOf(DmaBufException.class).hasMessageContaining("EINVAL");
    }
}
