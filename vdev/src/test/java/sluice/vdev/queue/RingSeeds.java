package sluice.vdev.queue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.ChainForm;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SplitRings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

/** Rings to begin fuzzing with: what drivers write, and one for each rule that one can break. */
final class RingSeeds {
    private static final int SIZE = RingFuzzTest.MAX_SIZE;
    private static final int ALL_FEATURES = 15;
    /** Behind the ring, in its page. */
    private static final int TABLES = 512;
    private static final int DATA = 2048;
    private static final int NEXT = PackedRing.NEXT;
    private static final int WRITE = PackedRing.WRITE;
    private static final int INDIRECT = PackedRing.INDIRECT;

    private final RingKind kind;
    private final Map<String, byte[]> seeds = new TreeMap<>();

    private RingSeeds(RingKind kind) {
        this.kind = kind;
    }

    private interface Scene {
        void set(DriverQueue driver);
    }

    static Map<String, byte[]> all(RingKind kind) throws IOException {
        RingSeeds made = new RingSeeds(kind);
        made.drivers();
        made.offenders();
        return made.seeds;
    }

    private void add(String name, int position, Scene scene) throws IOException {
        try (QueueRig rig = new QueueRig(SIZE, QueueRig.features(kind, true), RingFuzzTest.DATA_BYTES)) {
            rig.driver.withTables(TABLES, TABLES, 4);
            rig.driver.restart(position);
            scene.set(rig.driver);
            byte[] memory = rig.ram.memory().toArray(JAVA_BYTE);
            int end = memory.length;
            while (end > 0 && memory[end - 1] == 0)
                end--;
            seeds.put(name, ByteBuffer.allocate(6 + end).order(ByteOrder.LITTLE_ENDIAN).put((byte) (SIZE - 1))
                    .put((byte) ALL_FEATURES).putInt(position).put(memory, 0, end).array());
        }
    }

    private void add(String name, Scene scene) throws IOException {
        add(name, kind.start(), scene);
    }

    private static Buffer buffer(int index, int length) {
        return new Buffer(DATA + 64L * index, length);
    }

    private void drivers() throws IOException {
        add("an-empty-ring", driver -> driver.interruptsOff());
        add("a-chain-of-two", driver -> driver.submit(List.of(buffer(0, 24)), List.of(buffer(1, 48))));
        add("a-table-of-four", driver -> driver.submit(List.of(buffer(0, 8), buffer(1, 8)),
                List.of(buffer(2, 8), buffer(3, 8)), ChainForm.INDIRECT));
        add("a-full-ring", driver -> IntStream.range(0, SIZE)
                .forEach(i -> driver.submit(List.of(), List.of(buffer(i, 1 + i)))));
        add("a-chain-over-the-end", QueueRig.somewhere(kind, 2 * SIZE - 2), driver -> driver.submit(
                List.of(buffer(0, 1), buffer(1, 2), buffer(2, 3)), List.of(buffer(3, 4), buffer(4, 5))));
        add("buffers-of-no-bytes", driver -> driver.submit(List.of(new Buffer(-1, 0)), List.of(buffer(0, 0))));
    }

    /** Writes a descriptor into the ring or behind it, and the first one offers itself. */
    private void descriptor(DriverQueue driver, int index, long address, long length, int flags) {
        if (kind == RingKind.SPLIT) {
            driver.rings().rawDescriptor(index, address, length, flags, (index + 1) % SIZE);
            driver.rings().availIndex(1);
        } else {
            driver.packed().descriptor(index, address, length, index, flags | PackedRing.AVAIL);
        }
    }

    private void inTable(DriverQueue driver, int index, int flags) {
        long at = TABLES + 16L * index;
        if (kind == RingKind.SPLIT) {
            driver.rings().descriptorAt(at, DATA, 8, flags, index + 1);
        } else {
            driver.packed().descriptorAt(at, DATA, 8, 0, flags);
        }
    }

    private void offenders() throws IOException {
        add("a-chain-without-end", driver -> {
            for (int i = 0; i < SIZE; i++) descriptor(driver, i, DATA, 1, NEXT);
        });
        add("a-readable-buffer-too-late", driver -> {
            descriptor(driver, 0, DATA, 1, NEXT | WRITE);
            descriptor(driver, 1, DATA, 1, 0);
        });
        add("a-table-in-a-table", driver -> {
            inTable(driver, 0, NEXT);
            inTable(driver, 1, INDIRECT);
            descriptor(driver, 0, TABLES, 32, INDIRECT);
        });
        add("a-table-that-goes-on", driver -> descriptor(driver, 0, TABLES, 16, INDIRECT | NEXT));
        add("a-table-of-a-bad-length", driver -> descriptor(driver, 0, TABLES, 17, INDIRECT));
        add("a-table-over-the-end-of-memory", driver -> descriptor(driver, 0, 12_280, 16, INDIRECT));
        add("a-buffer-that-is-no-memory", driver -> descriptor(driver, 0, 1L << 40, 16, 0));
        add("a-buffer-that-wraps-around", driver -> descriptor(driver, 0, -8, 16, WRITE));
        add("too-many-bytes", driver -> {
            descriptor(driver, 0, DATA, 0xffff_ffffL, NEXT);
            descriptor(driver, 1, DATA, 0xffff_ffffL, 0);
        });
        if (kind == RingKind.SPLIT) {
            add("a-head-outside", driver -> {
                SplitRings rings = driver.rings();
                rings.rawAvail(0, SIZE);
                rings.availIndex(1);
            });
            add("an-index-that-jumps", driver -> driver.rings().availIndex(SIZE + 1));
            add("one-head-twice", driver -> {
                driver.rings().rawDescriptor(0, DATA, 4, WRITE, 0);
                driver.rings().availIndex(2);
            });
        } else {
            add("flags-of-both-laps", driver -> {
                driver.packed().descriptor(0, DATA, 4, 1, PackedRing.AVAIL | PackedRing.USED);
                driver.packed().descriptor(1, DATA, 4, 1, PackedRing.AVAIL);
            });
        }
    }
}
