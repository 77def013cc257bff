package sluice.vdev.queue;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.vdev.fixture.SplitRings;

import static org.assertj.core.api.Assertions.assertThat;

/** Whatever lies in a ring, and whoever writes it while it is read: the queue answers, it never throws. */
class GarbageRingTest {
    private static final long SEED = 20260110;
    private static final int RINGS = 100_000;

    private enum Kind {
        CHAIN,
        EMPTY,
        STALLED,
        BROKEN
    }

    private final Random random = new Random(SEED);
    private final Set<Kind> seen = EnumSet.noneOf(Kind.class);
    private long chains;

    /** Memory that is there most of the time. */
    private FrontTranslation moody(FrontTranslation known) {
        return new FrontTranslation() {
            private long failed;

            @Override
            public Outcome resolve(long address, long length, Access access, Runs target) {
                int mood = random.nextInt(60);
                if (mood > 1) return known.resolve(address, length, access, target);
                failed = address;
                return mood == 0 ? Outcome.MISS : Outcome.FAULT;
            }

            @Override
            public long failedAddress() {
                return failed;
            }

            @Override
            public long generation() {
                return random.nextInt(8) == 0 ? random.nextInt() : 1;
            }

            @Override
            public GuestMemory memory() {
                return known.memory();
            }
        };
    }

    /** Fills rings and the tables they may name with what is sometimes almost right and sometimes noise. */
    private void litter(QueueRig rig) {
        SplitRings rings = rig.driver.rings();
        int size = rig.layout.size();
        long tables = rig.ram.offset(rig.at(0), 4096);
        for (int i = 0; i < size; i++) {
            rings.rawDescriptor(i, address(rig), length(), flags(), next(size));
            rings.rawAvail(i, random.nextInt(20) == 0 ? random.nextInt(65_536) : random.nextInt(size));
        }
        for (int i = 0; i < 16; i++) {
            rings.descriptorAt(tables + 16L * i, address(rig), length(), flags(), next(16));
        }
        rings.availFlags(random.nextInt(65_536));
        rings.usedEvent(random.nextInt(65_536));
        rings.usedIndex(random.nextInt(65_536));
    }

    private long address(QueueRig rig) {
        return switch (random.nextInt(16)) {
            case 0 -> random.nextLong();
            case 1 -> rig.layout.used();
            case 2 -> rig.ram.regions().getLast().size() - random.nextInt(64);
            case 3 -> -random.nextInt(64);
            default -> rig.at(16L * random.nextInt(16));
        };
    }

    private long length() {
        return switch (random.nextInt(16)) {
            case 0 -> random.nextInt() & 0xffff_ffffL;
            case 1 -> 0;
            case 2 -> random.nextInt(100);
            default -> 16L * random.nextInt(8);
        };
    }

    private int flags() {
        return random.nextInt(20) == 0 ? random.nextInt(65_536) : random.nextInt(12) & ~(random.nextInt(4) & 4);
    }

    private int next(int size) {
        return random.nextInt(24) == 0 ? random.nextInt(65_536) : random.nextInt(size);
    }

    @Test
    void noiseIsAnsweredAndNeverThrows() throws Exception {
        for (int size : new int[]{ 1, 2, 4, 8, 16 }) {
            try (QueueRig rig = new QueueRig(size, RingFeatures.split(true, true), 4096)) {
                for (int i = 0; i < RINGS / 5; i++) {
                    litter(rig);
                    RingFeatures features = RingFeatures.split(random.nextInt(4) > 0, random.nextBoolean());
                    boolean moods = random.nextInt(3) == 0;
                    SplitQueue queue = new SplitQueue(rig.layout, random.nextInt(65_536), features,
                            moods ? moody(rig.rings) : rig.rings, moods ? moody(rig.buffers) : rig.buffers,
                            () -> rig.interrupts++);
                    int offered = random.nextInt(30) == 0 ? random.nextInt(65_536) : random.nextInt(size + 1);
                    rig.driver.rings().availIndex((queue.position() + offered) & 0xffff);
                    try {
                        drive(queue);
                    } catch (RuntimeException | AssertionError e) {
                        throw new AssertionError("seed " + SEED + ", size " + size + ", ring " + i, e);
                    }
                }
            }
        }
        assertThat(seen).containsExactlyInAnyOrder(Kind.values());
        assertThat(chains).as("chains in the noise").isGreaterThan(RINGS / 5);
    }

    /** What a device does: takes what there is, answers some of it, publishes, waits. */
    private void drive(SplitQueue queue) {
        List<Chain> open = new ArrayList<>();
        int position = queue.position();
        for (int step = 0; step < 2 * queue.size() + 4; step++) {
            Polled polled = queue.poll();
            if (polled instanceof Chain chain) {
                chains++;
                position = (position + 1) & 0xffff;
                assertLegal(chain, queue.size());
                open.add(chain);
                if (random.nextBoolean()) {
                    Chain done = open.remove(random.nextInt(open.size()));
                    done.respond(new byte[40], 40);
                }
            } else {
                if (random.nextBoolean()) queue.enableNotifications();
                assertAnswer(queue.publish());
            }
            note(polled);
            assertThat(queue.position()).isEqualTo(position);
            assertThat(queue.inFlight()).isEqualTo(open.size());
            if (polled instanceof Polled.Broken) break;
        }
        queue.stop();
        for (Chain chain : open) chain.respond(new byte[1], 1);
    }

    private void note(Polled polled) {
        seen.add(switch (polled) {
            case Chain chain -> Kind.CHAIN;
            case Polled.Empty empty -> Kind.EMPTY;
            case Polled.Stalled stalled -> Kind.STALLED;
            case Polled.Broken broken -> {
                assertThat(broken.reason()).matches("[a-z].*[^.]").doesNotContain("null");
                yield Kind.BROKEN;
            }
        });
    }

    private void assertAnswer(Polled published) {
        assertThat(published).isNotInstanceOf(Chain.class);
        note(published);
    }

    private static void assertLegal(Chain chain, int size) {
        assertThat(chain.id()).isBetween(0, size - 1);
        assertThat(chain.readable().count() + chain.writable().count()).isLessThanOrEqualTo(1024);
        assertThat(chain.readable().bytes() + chain.writableBytes()).isLessThanOrEqualTo(1L << 32);
        // Every run lies within its file: a device may read it.
        for (Runs runs : List.of(chain.readable(), chain.writable())) {
            for (int i = 0; i < runs.count(); i++) {
                assertThat(runs.offset(i) + runs.length(i)).isLessThanOrEqualTo(runs.mapping(i).size());
            }
        }
    }

    /** A driver that rewrites its descriptors while they are walked gets some legal answer, and only hurts itself. */
    @Test
    @Timeout(60)
    void descriptorsRewrittenDuringTheWalkGiveLegalAnswersOnly() throws Exception {
        int size = 8;
        try (QueueRig rig = new QueueRig(size, RingFeatures.split(true, true), 4096)) {
            AtomicBoolean enough = new AtomicBoolean();
            CountDownLatch writing = new CountDownLatch(1);
            CompletableFuture<Long> hostile = CompletableFuture.supplyAsync(() -> {
                Random noise = new Random(SEED);
                SplitRings rings = rig.driver.rings();
                long table = rig.ram.offset(rig.at(0), 4096);
                long rounds = 0;
                for (; !enough.get(); rounds++) {
                    int index = noise.nextInt(size);
                    int flags = noise.nextInt(8);
                    long address = noise.nextInt(30) == 0 ? noise.nextLong() : rig.at(16L * noise.nextInt(8));
                    long length = noise.nextInt(30) == 0 ? noise.nextInt() & 0xffff_ffffL : 16L * noise.nextInt(6);
                    rings.rawDescriptor(index, address, length, flags, noise.nextInt(size + 1));
                    rings.descriptorAt(table + 16L * noise.nextInt(8), address, length, flags & 3, noise.nextInt(5));
                    writing.countDown();
                }
                return rounds;
            });
            assertThat(writing.await(10, TimeUnit.SECONDS)).isTrue();
            for (int i = 0; i < size; i++) rig.driver.rings().rawAvail(i, i);
            try {
                for (int round = 0; round < 60_000; round++) {
                    SplitQueue queue = new SplitQueue(rig.layout, 0, rig.features, rig.rings, rig.buffers,
                            () -> rig.interrupts++);
                    rig.driver.rings().availIndex(size);
                    drive(queue);
                }
            } finally {
                enough.set(true);
            }
            assertThat(hostile.get(10, TimeUnit.SECONDS)).as("rewrites").isGreaterThan(10_000);
            assertThat(seen).contains(Kind.CHAIN, Kind.BROKEN);
        }
    }
}
