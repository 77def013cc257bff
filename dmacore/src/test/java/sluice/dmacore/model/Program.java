package sluice.dmacore.model;

import java.io.IOException;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.model.Stage.DEVICES;
import static sluice.dmacore.model.Stage.LOT;
import static sluice.dmacore.model.Stage.LOTS;

/** A random program that a CPU and three devices carry out: correct, or with one mistake at its end. */
final class Program {
    /** Accesses of the CPU that are open at a time. */
    private static final int MOST_OPEN = 4;

    private final Stage stage;
    private final Mistake mistake;

    Program(Rig rig, Draw draw) throws IOException {
        mistake = draw.mistake();
        stage = new Stage(rig, draw);
    }

    /** Runs it; everything is given back at the end. */
    void run(int steps) throws IOException {
        try {
            for (int i = 0; i < steps; i++) step();
            finish();
            if (mistake != Mistake.NONE) {
                new Mishap(stage).happen(mistake);
                finish();
            } else {
                assertThat(stage.mappings).as("left mapped by %s", stage.told).containsOnlyNulls();
                assertThat(stage.skipping.writtenBack()).isLessThanOrEqualTo(stage.everything.writtenBack());
            }
            assertThat(Machine.load(stage.rig.ram(), 0, Stage.PAGES * Stage.PAGE))
                    .as("what the caches hold: %s", stage.told).isEqualTo(stage.skipping.caches());
        } finally {
            stage.close();
        }
    }

    String told() {
        return stage.told.toString();
    }

    private void finish() throws IOException {
        while (!stage.open.isEmpty())
            stage.end(stage.open.getLast());
        // The one that snoops first: what it has written is the CPU's then.
        for (int device = DEVICES - 1; device >= 0; device--) {
            if (stage.mappings[device] != null) tryUnmap(device);
        }
    }

    private void step() throws IOException {
        int device = stage.random.nextInt(DEVICES);
        int lot = stage.random.nextInt(LOTS);
        switch (stage.random.nextInt(13)) {
            case 0 -> tryMap(device);
            case 1 -> {
                if (stage.mappings[device] != null && stage.random.nextInt(3) == 0) tryUnmap(device);
            }
            case 2 -> tryGive(device, lot);
            case 3 -> {
                if (stage.given[device][lot] != null && !stage.isOpen(lot)) stage.take(device, lot);
            }
            case 4, 5 -> {
                if (stage.given[device][lot] != null && !stage.isOpen(lot)) deviceAccess(device, lot);
            }
            case 6, 7 -> {
                if (stage.cpuOwns(lot)) cpuAccess(lot);
            }
            // Often where one is open already.
            case 8 -> tryBegin(lot);
            case 9 -> tryBegin(stage.open.isEmpty() ? lot : anyOpen().lot());
            case 10 -> {
                if (!stage.open.isEmpty()) stage.use(anyOpen());
            }
            default -> {
                if (!stage.open.isEmpty()) stage.end(anyOpen());
            }
        }
    }

    private Stage.Access anyOpen() {
        return stage.open.get(stage.random.nextInt(stage.open.size()));
    }

    /** Whether a device may own a lot: many readers, or one writer, and not the CPU. */
    private boolean mayGive(int device, int lot, Direction direction) {
        if (stage.isOpen(lot)) return false;
        for (int other = 0; other < DEVICES; other++) {
            Direction has = stage.given[other][lot];
            if (other == device || has == null) continue;
            if (direction.deviceWrites() || has.deviceWrites()) return false;
        }
        return true;
    }

    private void tryMap(int device) throws IOException {
        if (stage.mappings[device] != null) return;
        Direction direction = stage.anyDirection();
        for (int lot = 0; lot < LOTS; lot++) {
            if (!mayGive(device, lot, direction)) return;
        }
        stage.map(device, direction);
    }

    /** An unmap drops lines from the caches: what is dirty there is given to the device before, or it has to wait. */
    private void tryUnmap(int device) throws IOException {
        Direction direction = stage.mapped(device).direction();
        if (!stage.open.isEmpty()) return;
        if (!stage.snoops(device) && direction.deviceWrites()) {
            for (int lot = 0; lot < LOTS; lot++) {
                if (!stage.dirty[lot] || stage.given[device][lot] != null) continue;
                if (!mayGive(device, lot, direction)) return;
                stage.give(device, lot, direction);
            }
        }
        stage.unmap(device);
    }

    private void tryGive(int device, int lot) throws IOException {
        DeviceMapping mapping = stage.mappings[device];
        if (mapping == null || stage.given[device][lot] != null) return;
        Direction direction = mapping.direction() == Direction.BIDIRECTIONAL
                ? stage.anyDirection()
                : mapping.direction();
        if (mayGive(device, lot, direction)) stage.give(device, lot, direction);
    }

    private void deviceAccess(int device, int lot) {
        Direction direction = stage.given[device][lot];
        if (direction == null) throw new IllegalStateException("nothing to access");
        boolean write = direction.deviceWrites() && (!direction.deviceReads() || stage.random.nextBoolean());
        stage.access(device, lot, write);
    }

    private void cpuAccess(int lot) throws IOException {
        int length = 1 + stage.random.nextInt(200);
        int offset = lot * LOT + stage.random.nextInt(LOT - length);
        if (stage.random.nextBoolean()) {
            stage.write(offset, length);
        } else {
            stage.load(offset, length);
        }
    }

    /** The CPU begins to read and write a part of a lot, with any owner. */
    private void tryBegin(int lot) throws IOException {
        if (stage.open.size() == MOST_OPEN) return;
        Direction direction = stage.anyDirection();
        // One that only writes fetches nothing: it would write back a line's other bytes as they were before the device.
        if (direction == Direction.TO_DEVICE && stage.mayBeStale(lot)) direction = Direction.BIDIRECTIONAL;
        int length = 1 + stage.random.nextInt(300);
        int offset = lot * LOT + stage.random.nextInt(LOT - length);
        stage.begin(stage.random.nextInt(stage.openers.length), offset, length, direction);
    }
}
