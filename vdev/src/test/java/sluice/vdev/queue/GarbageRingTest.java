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
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;
import sluice.vdev.fixture.PackedRing;
import sluice.vdev.fixture.RingKind;
import sluice.vdev.fixture.SplitRings;

import static org.assertj.core.api.Assertions.assertThat;

/** Arbitrary ring content, changed while it is read: the queue returns a result and never throws. */
@ParameterizedClass
@EnumSource
class GarbageRingTest {
    private static final long SEED = 20260110;
    private static final int RINGS = 100_000;

    private final RingKind kind;

    GarbageRingTest(RingKind kind) {
        this.kind = kind;
    }

    private enum Answer {
        CHAIN,
        EMPTY,
        STALLED,
        BROKEN
    }

    private final Random random = new Random(SEED);
    private final Set<Answer> seen = EnumSet.noneOf(Answer.class);
    private long chains;

    /** Memory that is there most of the time. */
    private FrontTranslation moody(FrontTranslation known) {
        return new FrontTranslation() {
            @Override
            public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
                int mood = random.nextInt(60);
                if (mood > 1) return known.resolve(address, length, access, target, result);
                return mood == 0 ? result.missed(address, access) : result.faulted(address, access);
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
    private void litter(QueueRig rig, int position) {
        if (kind == RingKind.PACKED) {
            litterPacked(rig, position);
        } else {
            litterSplit(rig, position);
        }
    }

    private void litterPacked(QueueRig rig, int position) {
        PackedRing ring = rig.driver.packed();
        int size = rig.layout.size();
        long tables = rig.ram.offset(rig.at(0), 4096);
        int offered = random.nextInt(size + 1);
        boolean wrap = (position & PackedRing.WRAP) != 0;
        for (int i = 0; i < size; i++) {
            int entry = ((position & 0x7fff) + i) % size;
            boolean lap = entry < (position & 0x7fff) % size ? !wrap : wrap;
            int available = lap == i < offered ? PackedRing.AVAIL : PackedRing.USED;
            ring.descriptor(entry, address(rig), length(), random.nextInt(65_536), flags() | available);
        }
        for (int i = 0; i < 16; i++) {
            ring.descriptorAt(tables + 16L * i, address(rig), length(), 0, flags());
        }
        ring.driverEvents(random.nextInt(65_536), random.nextInt(8) == 0 ? random.nextInt(65_536) : random.nextInt(3));
    }

    private void litterSplit(QueueRig rig, int position) {
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
        int offered = random.nextInt(30) == 0 ? random.nextInt(65_536) : random.nextInt(size + 1);
        rings.availIndex((position + offered) & 0xffff);
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
            try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, true), 4096)) {
                for (int i = 0; i < RINGS / 5; i++) {
                    int position = kind == RingKind.SPLIT ? random.nextInt(65_536) : random.nextInt();
                    litter(rig, position);
                    RingFeatures features = new RingFeatures(random.nextInt(4) > 0, random.nextBoolean(),
                            kind == RingKind.PACKED, random.nextInt(4) == 0, random.nextInt(4) == 0);
                    boolean moods = random.nextInt(3) == 0;
                    Virtqueue queue = Virtqueue.open(rig.layout, position, features,
                            moods ? moody(rig.rings) : rig.rings, moods ? moody(rig.buffers) : rig.buffers,
                            () -> rig.interrupts++);
                    try {
                        drive(queue);
                    } catch (RuntimeException | AssertionError e) {
                        throw new AssertionError("seed " + SEED + ", size " + size + ", ring " + i, e);
                    }
                }
            }
        }
        assertThat(seen).containsExactlyInAnyOrder(Answer.values());
        assertThat(chains).as("chains in the noise").isGreaterThan(RINGS / 5);
    }

    /** What a device does: takes what there is, answers some of it, publishes, waits. */
    private void drive(Virtqueue queue) {
        List<Chain> open = new ArrayList<>();
        int position = available(queue.position());
        for (int step = 0; step < 2 * queue.size() + 4; step++) {
            Polled polled = queue.poll();
            if (polled instanceof Chain chain) {
                chains++;
                int entries = kind == RingKind.SPLIT ? 1 : chain.descriptors();
                position = advance(position, entries, queue.size());
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
            assertThat(available(queue.position())).isEqualTo(position);
            assertThat(queue.inFlight()).isEqualTo(open.size());
            if (polled instanceof Polled.Broken) break;
        }
        queue.stop();
        for (Chain chain : open) chain.respond(new byte[1], 1);
    }

    /** The half of a position that polling moves. */
    private static int available(int position) {
        return position & 0xffff;
    }

    private int advance(int position, int entries, int size) {
        if (kind == RingKind.SPLIT) return (position + entries) & 0xffff;
        int next = (position & 0x7fff) + entries;
        int lap = next < size ? position : ~position;
        return (next < size ? next : next - size) | (lap & PackedRing.WRAP);
    }

    private void note(Polled polled) {
        seen.add(switch (polled) {
            case Chain chain -> Answer.CHAIN;
            case Polled.Empty empty -> Answer.EMPTY;
            case Polled.Stalled stalled -> Answer.STALLED;
            case Polled.Broken broken -> {
                assertThat(broken.reason()).matches("[a-z].*[^.]").doesNotContain("null");
                yield Answer.BROKEN;
            }
        });
    }

    private void assertAnswer(Polled published) {
        assertThat(published).isNotInstanceOf(Chain.class);
        note(published);
    }

    private void assertLegal(Chain chain, int size) {
        assertThat(chain.id()).isBetween(0, kind == RingKind.SPLIT ? size - 1 : 65_535);
        if (kind == RingKind.PACKED) assertThat(chain.descriptors()).isBetween(1, size);
        assertThat(chain.readable().count() + chain.writable().count()).isLessThanOrEqualTo(1024);
        assertThat(chain.readable().bytes() + chain.writableBytes()).isLessThanOrEqualTo(1L << 32);
        // Every run lies within its file: a device may read it.
        for (Runs runs : List.of(chain.readable(), chain.writable())) {
            for (int i = 0; i < runs.count(); i++) {
                assertThat(runs.offset(i) + runs.length(i)).isLessThanOrEqualTo(runs.mapping(i).size());
            }
        }
    }

    /** Writes one entry of the ring and one of the table, of which most make sense. */
    private void rewrite(QueueRig rig, Random noise) {
        int size = rig.layout.size();
        long table = rig.ram.offset(rig.at(0), 4096);
        int index = noise.nextInt(size);
        int flags = noise.nextInt(8);
        long address = noise.nextInt(30) == 0 ? noise.nextLong() : rig.at(16L * noise.nextInt(8));
        long length = noise.nextInt(30) == 0 ? noise.nextInt() & 0xffff_ffffL : 16L * noise.nextInt(6);
        if (kind == RingKind.SPLIT) {
            SplitRings rings = rig.driver.rings();
            rings.rawDescriptor(index, address, length, flags, noise.nextInt(size + 1));
            rings.descriptorAt(table + 16L * noise.nextInt(8), address, length, flags & 3, noise.nextInt(5));
        } else {
            PackedRing ring = rig.driver.packed();
            int available = noise.nextInt(4) == 0 ? PackedRing.USED : PackedRing.AVAIL;
            ring.descriptor(index, address, length, noise.nextInt(65_536), flags | available);
            ring.descriptorAt(table + 16L * noise.nextInt(8), address, length, 0, flags & 3);
        }
    }

    /** A driver that rewrites its descriptors while they are walked gets some legal answer, and only hurts itself. */
    @Test
    @Timeout(60)
    void descriptorsRewrittenDuringTheWalkGiveLegalAnswersOnly() throws Exception {
        int size = 8;
        try (QueueRig rig = new QueueRig(size, QueueRig.features(kind, true), 4096)) {
            AtomicBoolean enough = new AtomicBoolean();
            CountDownLatch writing = new CountDownLatch(1);
            CompletableFuture<Long> hostile = CompletableFuture.supplyAsync(() -> {
                Random noise = new Random(SEED);
                long rounds = 0;
                for (; !enough.get(); rounds++) {
                    rewrite(rig, noise);
                    writing.countDown();
                }
                return rounds;
            });
            assertThat(writing.await(10, TimeUnit.SECONDS)).isTrue();
            for (int i = 0; kind == RingKind.SPLIT && i < size; i++) rig.driver.rings().rawAvail(i, i);
            try {
                for (int round = 0; round < 60_000; round++) {
                    Virtqueue queue = Virtqueue.open(rig.layout, kind.start(), rig.features, rig.rings, rig.buffers,
                            () -> rig.interrupts++);
                    if (kind == RingKind.SPLIT) rig.driver.rings().availIndex(size);
                    drive(queue);
                }
            } finally {
                enough.set(true);
            }
            assertThat(hostile.get(10, TimeUnit.SECONDS)).as("rewrites").isGreaterThan(10_000);
            assertThat(seen).contains(Answer.CHAIN, Answer.BROKEN);
        }
    }
}
