package sluice.dmacore.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * A random program that a CPU and three devices carry out with two buffers over the same pages: correct, or with one
 * mistake at its end. Each byte that anybody reads is compared with what a naive machine would give.
 */
final class Program {
    private static final int PAGES = 2;
    private static final int PAGE = Machine.PAGE;
    /** Pieces of memory that change owners on their own. */
    private static final int LOTS = 8;
    private static final int LOT = PAGES * PAGE / LOTS;
    private static final int LINE = 64;
    private static final int DEVICES = 3;
    private static final List<Direction> DIRECTIONS = List.of(Direction.values());
    private static final boolean[] COHERENT = { false, false, true };

    /** What can be wrong at the end. */
    enum Mistake {
        NONE,
        DEVICE_SYNC_FORGOTTEN(Rule.MISSING_SYNC_FOR_DEVICE),
        STORE_IN_DEVICES_TIME(Rule.CPU_WROTE_DEVICE_OWNED),
        WRITE_AGAINST_DIRECTION(Rule.DEVICE_AGAINST_DIRECTION),
        SYNC_BEYOND_END(Rule.D20_SYNC_TOO_LONG),
        SYNC_AFTER_UNMAP(Rule.D19_SYNC_NOT_MAPPED),
        UNMAP_TWICE(Rule.D2_UNMAP_NOT_MAPPED),
        UNMAP_WITH_OTHER_DIRECTION(Rule.D7_UNMAP_DIRECTION),
        SYNC_WITH_OTHER_DIRECTION(Rule.D21_SYNC_DIRECTION, Rule.D22_SYNC_FOR_CPU_READ_ONLY,
                Rule.D23_SYNC_FOR_DEVICE_WRITE_ONLY),
        TWO_WRITERS(Rule.D17_OVERLAPPING_WRITES),
        NOT_SYNCED_BACK_FOR_SNOOPER(Rule.MISSING_SYNC_FOR_CPU),
        ACCESS_AFTER_UNMAP(Rule.DEVICE_AFTER_UNMAP),
        ACCESS_OUTSIDE(Rule.DEVICE_OUTSIDE_MAPPING),
        END_WITHOUT_BEGIN(Rule.UNBALANCED_CPU_ACCESS),
        BEGIN_WITHOUT_END(Rule.UNBALANCED_CPU_ACCESS),
        CPU_OUTSIDE_BRACKET(Rule.CPU_ACCESS_OUTSIDE_BRACKET),
        GIVEN_IN_AN_ACCESS(Rule.CPU_ACCESS_OPEN),
        STORED_BEFORE_UNMAP(Rule.CPU_WRITES_LOST),
        DETACH_WHILE_MAPPED(Rule.DETACHED_WHILE_MAPPED);

        @SuppressWarnings("ImmutableEnumChecker") // a copy that nobody can change
        final Set<Rule> rules;

        Mistake(Rule... rules) {
            this.rules = Set.of(rules);
        }
    }

    private final FileMapping ram;
    private final Random random;
    private final Mistake mistake;
    private final DmaBuf[] buffers;
    private final int[][] pageOf;
    private final int[] bufferOf = new int[DEVICES];
    private final Attachment[] attachments = new Attachment[DEVICES];
    private final @Nullable DeviceMapping[] mappings = new DeviceMapping[DEVICES];
    private final DeviceView[] views;
    private final Opener opener;
    private final NaiveCaches skipping;
    private final NaiveCaches everything;
    private boolean compareEverything = true;
    /** What each device may do with each lot; null for nothing. */
    private final @Nullable Direction[][] given = new Direction[DEVICES][LOTS];
    /** Whether the caches may hold what memory does not. */
    private final boolean[] dirty = new boolean[LOTS];
    private final StringBuilder told = new StringBuilder();

    Program(Machine machine, FileMapping ram, DeviceFunction[] functions, DeviceView[] views, long seed,
            Mistake mistake)
            throws IOException {
        this.ram = ram;
        this.views = views;
        this.mistake = mistake;
        random = new Random(seed);
        byte[] content = new byte[PAGES * PAGE];
        random.nextBytes(content);
        Machine.store(ram, 0, content);
        skipping = new NaiveCaches(content, true, COHERENT);
        everything = new NaiveCaches(content, false, COHERENT);
        boolean swapped = random.nextBoolean();
        pageOf = new int[][]{ { 0, 1 }, swapped ? new int[]{ 1, 0 } : new int[]{ 0, 1 } };
        buffers = new DmaBuf[2];
        for (int i = 0; i < 2; i++) {
            buffers[i] = machine.core().export("buffer " + i, PAGES * (long) PAGE,
                    new GuestPages(Machine.runs(ram, pageOf[i])));
        }
        for (int device = 0; device < DEVICES; device++) {
            bufferOf[device] = random.nextInt(2);
            attachments[device] = buffers[bufferOf[device]].attach(functions[device],
                    COHERENT[device] ? Stream.COHERENT : Stream.NON_COHERENT);
        }
        opener = buffers[0].open("cpu");
    }

    /** Runs it; everything is given back at the end. */
    void run(int steps) throws IOException {
        try {
            for (int i = 0; i < steps; i++) step();
            if (mistake != Mistake.NONE) err();
            finish();
            if (mistake == Mistake.NONE)
                assertThat(mappings).as("left mapped by %s", told).containsOnlyNulls();
            assertThat(Machine.load(ram, 0, PAGES * PAGE)).as("what the caches hold: %s", told)
                    .isEqualTo(skipping.caches());
            if (mistake == Mistake.NONE)
                assertThat(skipping.writtenBack()).isLessThanOrEqualTo(everything.writtenBack());
        } finally {
            for (int device = 0; device < DEVICES; device++) attachments[device].detach();
            for (DmaBuf buffer : buffers) buffer.release();
        }
    }

    String told() {
        return told.toString();
    }

    private void finish() throws IOException {
        // The one that snoops first: what it has written is the CPU's then.
        for (int device = DEVICES - 1; device >= 0; device--) {
            if (mappings[device] != null) tryUnmap(device);
        }
    }

    // ---- steps of correct programs

    private void step() throws IOException {
        int device = random.nextInt(DEVICES);
        int lot = random.nextInt(LOTS);
        switch (random.nextInt(9)) {
            case 0 -> tryMap(device);
            case 1 -> {
                if (mappings[device] != null && random.nextInt(3) == 0) tryUnmap(device);
            }
            case 2 -> tryGive(device, lot);
            case 3 -> {
                if (given[device][lot] != null) take(device, lot);
            }
            case 4, 5 -> {
                if (given[device][lot] != null) deviceAccess(device, lot);
            }
            case 6, 7 -> {
                if (cpuOwns(lot)) cpuAccess(lot);
            }
            default -> bracket(lot);
        }
    }

    private boolean cpuOwns(int lot) {
        for (int device = 0; device < DEVICES; device++) {
            if (given[device][lot] != null) return false;
        }
        return true;
    }

    private static Direction any(Random random) {
        return DIRECTIONS.get(random.nextInt(DIRECTIONS.size()));
    }

    /** Whether a device may have a lot without anybody being wronged: many readers, or one writer. */
    private boolean mayGive(int device, int lot, Direction direction) {
        for (int other = 0; other < DEVICES; other++) {
            Direction has = given[other][lot];
            if (other == device || has == null) continue;
            if (direction.deviceWrites() || has.deviceWrites()) return false;
        }
        return true;
    }

    private void tryMap(int device) throws IOException {
        if (mappings[device] != null) return;
        Direction direction = any(random);
        for (int lot = 0; lot < LOTS; lot++) {
            if (!mayGive(device, lot, direction)) return;
        }
        map(device, direction);
    }

    private DeviceMapping map(int device, Direction direction) throws IOException {
        told.append("map %d %s; ".formatted(device, direction));
        DeviceMapping mapping = attachments[device].map(direction);
        mappings[device] = mapping;
        for (int lot = 0; lot < LOTS; lot++) {
            given[device][lot] = direction;
            if (!COHERENT[device]) dirty[lot] = false;
            forLines(lot, line -> eachGive(device, line, direction));
        }
        return mapping;
    }

    private void eachGive(int device, int line, Direction direction) {
        skipping.give(device, line, direction);
        everything.give(device, line, direction);
    }

    /** An unmap drops lines from the caches: what is dirty there is given to the device before, or it has to wait. */
    private void tryUnmap(int device) throws IOException {
        Direction direction = mapped(device).direction();
        if (!COHERENT[device] && direction.deviceWrites()) {
            for (int lot = 0; lot < LOTS; lot++) {
                if (!dirty[lot] || given[device][lot] != null) continue;
                if (!mayGive(device, lot, direction)) return;
                give(device, lot, direction);
            }
        }
        unmap(device);
    }

    private void unmap(int device) throws IOException {
        told.append("unmap %d; ".formatted(device));
        DeviceMapping mapping = mapped(device);
        Direction direction = mapping.direction();
        mapping.unmap();
        ended(device, direction);
    }

    private void ended(int device, Direction direction) {
        mappings[device] = null;
        for (int lot = 0; lot < LOTS; lot++) {
            given[device][lot] = null;
            int number = lot;
            forLines(number, line -> eachTake(device, line, direction));
        }
    }

    private void eachTake(int device, int line, Direction direction) {
        skipping.take(device, line, direction);
        everything.take(device, line, direction);
    }

    private DeviceMapping mapped(int device) {
        DeviceMapping mapping = mappings[device];
        if (mapping == null) throw new IllegalStateException("device " + device + " has mapped nothing");
        return mapping;
    }

    private void tryGive(int device, int lot) throws IOException {
        DeviceMapping mapping = mappings[device];
        if (mapping == null || given[device][lot] != null) return;
        Direction direction = mapping.direction() == Direction.BIDIRECTIONAL ? any(random) : mapping.direction();
        if (mayGive(device, lot, direction)) give(device, lot, direction);
    }

    private void give(int device, int lot, Direction direction) throws IOException {
        told.append("give %d %d %s; ".formatted(device, lot, direction));
        if (!COHERENT[device]) dirty[lot] = false;
        mapped(device).syncForDevice(position(device, lot), LOT, direction);
        given[device][lot] = direction;
        forLines(lot, line -> eachGive(device, line, direction));
    }

    private void take(int device, int lot) throws IOException {
        Direction had = given[device][lot];
        if (had == null) throw new IllegalStateException("nothing to take");
        told.append("take %d %d %s; ".formatted(device, lot, had));
        mapped(device).syncForCpu(position(device, lot), LOT, had);
        given[device][lot] = null;
        forLines(lot, line -> eachTake(device, line, had));
    }

    private void deviceAccess(int device, int lot) {
        Direction direction = given[device][lot];
        if (direction == null) throw new IllegalStateException("nothing to access");
        boolean write = direction.deviceWrites() && (!direction.deviceReads() || random.nextBoolean());
        access(device, lot, write);
    }

    private void access(int device, int lot, boolean write) {
        int length = 1 + random.nextInt(200);
        int into = random.nextInt(LOT - length);
        long from = position(device, lot) + into;
        int offset = lot * LOT + into;
        told.append("%s %d at 0x%x+%d; ".formatted(write ? "write" : "read", device, offset, length));
        if (write) {
            dirty[lot] |= COHERENT[device];
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) {
                bytes[i] = (byte) (skipping.deviceRead(device, offset + i) + 1 + random.nextInt(5));
                skipping.deviceWrite(device, offset + i, bytes[i]);
                everything.deviceWrite(device, offset + i, bytes[i]);
            }
            Machine.write(views[device], mapped(device), from, bytes);
            return;
        }
        byte[] seen = Machine.read(views[device], mapped(device), from, length);
        for (int i = 0; i < length; i++) {
            assertThat(seen[i]).as("byte 0x%x of %s", offset + i, told)
                    .isEqualTo(skipping.deviceRead(device, offset + i));
            if (compareEverything)
                assertThat(seen[i]).as("byte 0x%x of %s", offset + i, told)
                        .isEqualTo(everything.deviceRead(device, offset + i));
        }
    }

    private void cpuAccess(int lot) {
        int length = 1 + random.nextInt(200);
        int offset = lot * LOT + random.nextInt(LOT - length);
        if (random.nextBoolean()) {
            store(offset, length);
            return;
        }
        byte[] seen = Machine.load(ram, offset, length);
        for (int i = 0; i < length; i++) {
            assertThat(seen[i]).as("load 0x%x of %s", offset + i, told).isEqualTo(skipping.load(offset + i));
            if (compareEverything)
                assertThat(seen[i]).as("load 0x%x of everything, %s", offset + i, told)
                        .isEqualTo(everything.load(offset + i));
        }
    }

    private void store(int offset, int length) {
        told.append("store at 0x%x+%d; ".formatted(offset, length));
        dirty[offset / LOT] = true;
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (skipping.load(offset + i) + 1 + random.nextInt(5));
            skipping.store(offset + i, bytes[i]);
            everything.store(offset + i, bytes[i]);
        }
        Machine.store(ram, offset, bytes);
    }

    /** The CPU reads and writes a lot, whoever owns it. */
    private void bracket(int lot) throws IOException {
        Direction direction = random.nextBoolean() ? Direction.FROM_DEVICE : Direction.BIDIRECTIONAL;
        told.append("bracket %d %s; ".formatted(lot, direction));
        long from = positionIn(0, lot);
        try (CpuAccess access = opener.begin(from, LOT, direction)) {
            forLines(lot, line -> {
                skipping.begin(line, direction);
                everything.begin(line, direction);
            });
            int length = 1 + random.nextInt(200);
            int into = random.nextInt(LOT - length);
            int offset = lot * LOT + into;
            byte[] bytes = new byte[length];
            access.read(from + into, bytes, 0, length);
            for (int i = 0; i < length; i++)
                assertThat(bytes[i]).as("byte 0x%x of %s", offset + i, told).isEqualTo(skipping.load(offset + i));
            if (direction == Direction.BIDIRECTIONAL) {
                dirty[lot] = true;
                for (int i = 0; i < length; i++) {
                    bytes[i] += (byte) (1 + random.nextInt(5));
                    skipping.store(offset + i, bytes[i]);
                    everything.store(offset + i, bytes[i]);
                }
                access.write(from + into, bytes, 0, length);
            }
        }
        forLines(lot, line -> {
            skipping.end(line, direction);
            everything.end(line, direction);
        });
        for (int device = 0; device < DEVICES; device++) {
            if (!COHERENT[device] && given[device][lot] != null) dirty[lot] = false;
        }
    }

    private interface LineTask {
        void run(int line);
    }

    private static void forLines(int lot, LineTask task) {
        for (int line = lot * LOT / LINE; line < (lot + 1) * LOT / LINE; line++) task.run(line);
    }

    /** Where a lot is in the buffer of a device. */
    private long position(int device, int lot) {
        return positionIn(bufferOf[device], lot);
    }

    private long positionIn(int buffer, int lot) {
        int page = lot * LOT / PAGE;
        int index = pageOf[buffer][0] == page ? 0 : 1;
        return (long) index * PAGE + lot * LOT % PAGE;
    }

    // ---- mistakes

    private void err() throws IOException {
        told.append(mistake).append("; ");
        compareEverything = false;
        List<Integer> lots = new ArrayList<>(List.of(0, 1, 2, 3, 4, 5, 6, 7));
        int lot = lots.get(random.nextInt(LOTS));
        int device = random.nextInt(2);
        finish();
        switch (mistake) {
            case NONE -> throw new IllegalStateException("no mistake");
            case DEVICE_SYNC_FORGOTTEN -> {
                map(device, Direction.BIDIRECTIONAL);
                take(device, lot);
                store(lot * LOT, 100);
                access(device, lot, random.nextBoolean());
            }
            case STORE_IN_DEVICES_TIME -> {
                map(device, any(random));
                store(lot * LOT + random.nextInt(LOT - 8), 8);
            }
            case WRITE_AGAINST_DIRECTION -> {
                map(device, Direction.BIDIRECTIONAL);
                take(device, lot);
                mapped(device).syncForDevice(position(device, lot), LOT, Direction.TO_DEVICE);
                given[device][lot] = Direction.TO_DEVICE;
                forLines(lot, line -> eachGive(device, line, Direction.TO_DEVICE));
                access(device, lot, true);
            }
            case SYNC_BEYOND_END -> refused(() -> map(device, any(random)).syncForCpu(PAGE, PAGES * PAGE,
                    mapped(device).direction()));
            case SYNC_AFTER_UNMAP -> {
                DeviceMapping mapping = map(device, any(random));
                unmap(device);
                refused(mapping::syncForDevice);
            }
            case UNMAP_TWICE -> {
                DeviceMapping mapping = map(device, any(random));
                unmap(device);
                refused(mapping::unmap);
            }
            case UNMAP_WITH_OTHER_DIRECTION -> {
                DeviceMapping mapping = map(device, Direction.FROM_DEVICE);
                mapping.unmap(any(new Random(random.nextInt(2))) == Direction.FROM_DEVICE
                        ? Direction.TO_DEVICE
                        : Direction.BIDIRECTIONAL, EnumSet.noneOf(DmaAttribute.class));
                ended(device, Direction.FROM_DEVICE);
            }
            case SYNC_WITH_OTHER_DIRECTION -> {
                boolean reads = random.nextBoolean();
                DeviceMapping mapping = map(device, reads ? Direction.TO_DEVICE : Direction.FROM_DEVICE);
                Direction other = reads ? Direction.FROM_DEVICE : Direction.TO_DEVICE;
                boolean forCpu = random.nextBoolean();
                refused(() -> {
                    if (forCpu) {
                        mapping.syncForCpu(0, 64, other);
                    } else {
                        mapping.syncForDevice(0, 64, other);
                    }
                });
            }
            case TWO_WRITERS -> {
                map(0, Direction.BIDIRECTIONAL);
                map(1, Direction.FROM_DEVICE);
            }
            case NOT_SYNCED_BACK_FOR_SNOOPER -> {
                map(device, Direction.FROM_DEVICE);
                access(device, lot, true);
                map(2, Direction.TO_DEVICE);
            }
            case ACCESS_AFTER_UNMAP -> {
                DeviceMapping mapping = map(device, Direction.TO_DEVICE);
                unmap(device);
                views[device].read(mapping, 0, MemorySegment.ofArray(new byte[8]), 0, 8);
            }
            case ACCESS_OUTSIDE -> views[device].read(map(device, Direction.TO_DEVICE), PAGES * PAGE - 4,
                    MemorySegment.ofArray(new byte[8]), 0, 8);
            case END_WITHOUT_BEGIN -> refused(() -> opener.end(0, LOT, Direction.FROM_DEVICE));
            case BEGIN_WITHOUT_END -> {
                CpuAccess access = opener.begin(positionIn(0, lot), LOT, Direction.FROM_DEVICE);
                assertThat(access.length()).isEqualTo(LOT);
                opener.close();
            }
            case CPU_OUTSIDE_BRACKET -> {
                try (CpuAccess access = opener.begin(0, LOT, Direction.FROM_DEVICE)) {
                    access.read(LOT - 4, new byte[8], 0, 8);
                }
            }
            case GIVEN_IN_AN_ACCESS -> {
                DeviceMapping mapping = map(device, Direction.BIDIRECTIONAL);
                long from = positionIn(0, lot);
                try (CpuAccess access = opener.begin(from, LOT, Direction.FROM_DEVICE)) {
                    assertThat(access.from()).isEqualTo(from);
                    forLines(lot, line -> skipping.begin(line, Direction.FROM_DEVICE));
                    mapping.syncForDevice(position(device, lot), LOT, Direction.BIDIRECTIONAL);
                    forLines(lot, line -> skipping.give(device, line, Direction.BIDIRECTIONAL));
                }
                forLines(lot, line -> skipping.end(line, Direction.FROM_DEVICE));
            }
            case STORED_BEFORE_UNMAP -> {
                map(device, Direction.BIDIRECTIONAL);
                take(device, lot);
                store(lot * LOT, 10);
                unmap(device);
            }
            case DETACH_WHILE_MAPPED -> {
                map(device, any(random));
                attachments[device].detach();
                Direction direction = mapped(device).direction();
                ended(device, direction);
            }
        }
    }

    private interface Call {
        void call() throws IOException;
    }

    private static void refused(Call call) {
        assertThatThrownBy(call::call).isInstanceOf(DmaBufException.class).hasMessageContaining("EINVAL");
    }
}
